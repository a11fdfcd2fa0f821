"""Compression: a smaller network that is taught by the one it is made from."""
