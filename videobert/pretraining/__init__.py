"""Pre-training: batches of three regimes, masks, objectives, and the model's folder."""
