"""A page to play with a model in a browser.

python -m demos.page --model MODEL [--work DIR] [--videos FOLDER]
"""
