"""What is proved: the trusted base, the search for proofs, and the judges at fixed sizes."""
