"""python -m videobert."""

from videobert.cli.main import main

if __name__ == "__main__":
    main()
