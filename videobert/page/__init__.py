"""A page to play with a model in a browser: videobert page --model MODEL."""
