"""A second verifier, written from docs/evidence.md: standard library and openssl, and not a line of the first one."""
