"""CPR Canary: proves, every few minutes, that Certificate Problem Reports reach the people who work on them."""

__version__ = "0.1.0"
