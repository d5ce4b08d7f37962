"""The web server of a running canary: metrics, health, reload; and who may ask for them."""

from canary.web.access import Access, AccessRules, rules
from canary.web.app import create_app
from canary.web.server import listen, serve, serve_on

__all__ = ["Access", "AccessRules", "create_app", "listen", "rules", "serve", "serve_on"]
