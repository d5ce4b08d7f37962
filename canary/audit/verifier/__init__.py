"""Checks an evidence bundle, trusting nobody: needs Python 3.11 and the package ``cryptography``, and nothing else.

Copy this folder anywhere and run ``python -m verifier BUNDLE --key VKEY`` beside it. It shares no code with whatever
made the bundle; the formats are told, byte for byte, in docs/evidence.md.
"""
