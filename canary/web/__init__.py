"""The web server of a running canary: metrics, health, reload."""

from canary.web.app import create_app
from canary.web.server import serve

__all__ = ["create_app", "serve"]
