"""The evidence: the ledger as an append-only Merkle tree with signed checkpoints and time-stamps that others made."""
