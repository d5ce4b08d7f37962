"""The report: what an auditor reads, from the ledger and from nothing else."""
