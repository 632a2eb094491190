"""How the tables of the service have come to be what they are, step by step, for Alembic."""
