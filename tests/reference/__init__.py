"""The catalog's losses once more, in plain numpy; tests/reference_values.py is the way in."""
