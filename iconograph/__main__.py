"""`python -m iconograph` is the command line."""

from iconograph.cli import main

main()
