"""Who may do what, and how often: keys, signed links and sessions, limits."""
