"""The punctuation restorer: how it learns, and how good it is."""
