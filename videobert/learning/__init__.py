"""What every training shares: draws, split, batches in rows, update, history, checkpoints."""
