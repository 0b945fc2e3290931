"""What is proved: the trusted base (terms, theorem, replay), the search for proofs, and the finite judges."""
