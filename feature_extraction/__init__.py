"""From a video file to what is said, what is seen, and when."""
