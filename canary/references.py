"""Character references of HTML (``&amp;``, ``&#38;``) as what they stand for."""

from __future__ import annotations

import re
from html import unescape

_ZEROS, _BEYOND = re.compile("&#0+(?=[0-9])"), re.compile("(&#[0-9]{8})[0-9]+")


def resolved(text: str) -> str:
    """``text`` with its references resolved; never raises.

    ``html.unescape`` does so for a number of more than 4300 digits, so those are cut where they are beyond every
    character.
    """
    return unescape(_BEYOND.sub(r"\1", _ZEROS.sub("&#", text))) if "&" in text else text
