"""The prober: it sends what is due, judges what is seen, and records both."""
