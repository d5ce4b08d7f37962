"""The bundle: the evidence of a sample, packed for whoever checks it."""
