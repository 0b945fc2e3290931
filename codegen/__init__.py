"""All text that leaves the house: method -> reductions over pairs -> program."""
