"""From features and sentences to words of one vocabulary."""
