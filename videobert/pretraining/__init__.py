"""Learning: batches of the three regimes, masking, objectives, and the loop that joins them."""
