"""Comparing a user's own torch code with the catalog: calling it, recognising it, saying how."""
