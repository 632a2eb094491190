"""Is the harness to be believed? A perfect dub, known faults, and the measures that each moves."""
