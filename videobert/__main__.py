"""python -m videobert."""

from videobert.cli import main

main()
