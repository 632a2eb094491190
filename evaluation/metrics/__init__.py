"""One module per task, each with its definition, conventions and reference; each returns one result with a line per unit."""
