"""What an auditor is given: a report to read, a bundle of evidence, and a verifier that trusts neither."""
