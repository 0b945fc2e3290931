"""All text that leaves the house: a method becomes a reduction over pairs, and that becomes a program."""
