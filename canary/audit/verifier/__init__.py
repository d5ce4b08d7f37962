"""Checks an evidence bundle, trusting nobody: needs Python 3.11 and the package ``cryptography``, and nothing else.

Copy this folder anywhere and run ``python -m verifier BUNDLE --key VKEY`` beside it. It imports nothing of the canary.
The canary, for its part, makes a bundle's summaries, sample and canonical JSON by the code in here: what is wrong in
those would be wrong on both sides. Whoever wants to exclude that uses the formats and commands of docs/evidence.md.
"""
