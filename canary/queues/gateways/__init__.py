"""What mail gateways hold back in quarantines of their own, over their APIs, by a description of each."""
