"""Sample material: builders and a manifest. What they build lies in data/built and is not kept in the repository."""
