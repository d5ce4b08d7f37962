"""Email: one report to one disclosed address, an alias or an individual contact."""
