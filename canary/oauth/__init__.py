"""Logging in by access tokens (OAuth 2.0): who gives them, how they are kept, how they are shown to a mail server.

:class:`Tokens` is what others use. A provider is a function that asks for one token, by a library of its own where
there is one, and over our HTTP in any case.
"""

from canary.oauth.sasl import MECHANISMS, Mechanism, problem
from canary.oauth.token import Token, TokenError
from canary.oauth.tokens import Tokens
from canary.oauth.words import login_advice, with_advice

__all__ = ["MECHANISMS", "Mechanism", "Token", "TokenError", "Tokens", "login_advice", "problem", "with_advice"]
