"""The tables of docs/results.md, from nothing: see __main__.py."""
