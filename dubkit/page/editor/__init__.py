"""The editor: a dub beside its original, its lines to correct, its voices to choose, its files to take away."""
