"""A stage's model, served to other machines over HTTP."""
