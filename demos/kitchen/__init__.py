"""A made-up cooking corpus: ordinary videos and captions, and a truth that only evaluation reads.

python -m demos.kitchen --videos 40 --seed 0 --out DIR
"""
