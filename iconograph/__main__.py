"""`python -m iconograph` is the command line."""

from iconograph.cli import main

if __name__ == "__main__":  # a worker process imports this module again
    main()
