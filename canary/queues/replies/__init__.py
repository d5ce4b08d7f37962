"""What comes back to a sender: bounces, acknowledgements, absence notes, answers."""
