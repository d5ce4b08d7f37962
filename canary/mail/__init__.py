"""How a message is read that anybody may have written: in parts and words, linear in its length, and no further than
its budget. Every other room that reads mail reads it here."""
