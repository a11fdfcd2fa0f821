"""Things to try: a small made-up kitchen, a prediction for a clip, the web page."""
