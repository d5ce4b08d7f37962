"""``python -m soak.atheris_driver PARSER [OPTIONS of libFuzzer]``: one parser of the table under atheris.

Optional: ``pip install atheris`` where there is a wheel (Python 3.11 to 3.13 on Linux). It looks at which branches an
input takes, so it finds what no table of words has; an input that broke a contract is kept in the current folder
(``crash-...``), and the corpus, which begins with the good examples, below ``.fuzz``. Ten minutes of one:
``PYTHONPATH=tests:. python -m soak.atheris_driver HTML -max_total_time=600``.
"""

from __future__ import annotations

import sys
from hashlib import sha256
from pathlib import Path

import atheris  # no dependency: whoever wants it installs it

with atheris.instrument_imports(include=["canary", "email", "html", "yaml", "imapclient"]):
    from soak.parsers import PARSERS


def main(arguments: list[str]) -> None:
    """Run until something is found, or as long as the options say."""
    chosen = {parser.name: parser for parser in PARSERS}
    if len(arguments) < 2 or arguments[1] not in chosen:
        sys.exit(f"want one of: {', '.join(chosen)}")
    parser = chosen[arguments[1]]
    corpus = Path(".fuzz", parser.name.replace(" ", "-").replace(":", ""))
    corpus.mkdir(parents=True, exist_ok=True)
    for example in parser.language.examples:
        (corpus / sha256(example).hexdigest()).write_bytes(example)
    atheris.Setup([arguments[0], *arguments[2:], f"-max_len={parser.language.longest}", str(corpus)], parser.try_one)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv)
