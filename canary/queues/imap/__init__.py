"""IMAP mailboxes: each folder is a queue."""
