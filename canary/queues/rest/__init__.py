"""What watches of systems that are asked over HTTP have in common: how one asks, what goes wrong, how one waits."""
