"""The catalog: what is claimed about each loss, as data. It knows no prover and no generator."""
