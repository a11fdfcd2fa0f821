"""Small worlds that the tests share, one noun a file.

Videos and sounds are written by PyAV, features are drawn, and the codebook, the model and the work folder are
made of those. ``network`` holds stand-ins whose answers are known.
"""
