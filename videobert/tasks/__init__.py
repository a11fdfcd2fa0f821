"""What a trained model is asked, one task a file."""
