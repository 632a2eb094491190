"""How good a dub is: one module per task, each stating its definition, conventions and reference."""
