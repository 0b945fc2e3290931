"""The commands of the command line, one per file; `iconograph.cli` lists them."""
