"""What Google Workspace itself shows of a report, over its own APIs: a mailbox of Gmail by its labels."""
