"""The web server of a running canary: metrics, health, reload."""

from canary.web.app import create_app
from canary.web.server import listen, serve, serve_on

__all__ = ["create_app", "listen", "serve", "serve_on"]
