"""What Google Workspace itself shows of a report, over its own APIs: mailboxes by their labels, and quarantines."""
