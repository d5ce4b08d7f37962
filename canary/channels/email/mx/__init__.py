"""Straight to the recipient's own mail servers, for senders that have no provider (RFC 5321 section 5.1)."""
