"""What follows from the events: the fold, and the values that it arrives at."""
