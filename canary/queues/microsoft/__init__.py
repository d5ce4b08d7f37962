"""What Microsoft 365 itself says of a report, over Microsoft Graph: the message trace of Exchange Online."""
