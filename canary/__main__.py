"""``python -m canary`` is the command ``cpr-canary``."""

from canary.cli import main

main()
