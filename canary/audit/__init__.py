"""The audit report, samples, exceptions: what an auditor is shown, read from the ledger and from nothing else."""
