"""What is hidden or asked in a sequence, and as a whole of what."""
