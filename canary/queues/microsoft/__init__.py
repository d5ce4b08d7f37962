"""What Microsoft 365 itself says of a report, over Microsoft Graph: mailboxes, and the message trace."""
