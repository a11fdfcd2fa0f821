from __future__ import annotations

import numpy as np

from tokenization.hierarchical_kmeans.sampling import Sample, draw_sample, row_priorities


def test_the_sample_is_of_the_nodes_members_and_no_more_than_asked_for() -> None:
    nodes = np.random.default_rng(0).integers(0, 5, 10_000)
    sizes = np.bincount(nodes, minlength=6)
    sample = draw_sample(nodes, sizes, 100, seed=3, level=1)
    assert np.diff(sample.starts).tolist() == [100] * 5 + [0]
    for node in range(6):
        members = sample.rows[sample.starts[node] : sample.starts[node + 1]]
        assert (nodes[members] == node).all() and (np.diff(members) > 0).all()
    assert abs(sample.rows.mean() - 5000) < 500  # from everywhere
    assert not np.array_equal(sample.rows, draw_sample(nodes, sizes, 100, seed=4, level=1).rows)
    assert not np.array_equal(sample.rows, draw_sample(nodes, sizes, 100, seed=3, level=2).rows)


def test_a_small_node_is_taken_whole() -> None:
    nodes = np.array([1, 0, 1, 1])
    sample = draw_sample(nodes, np.array([1, 3]), 10, seed=0, level=0)
    assert sample.rows.tolist() == [1, 0, 2, 3] and sample.starts.tolist() == [0, 1, 4]


def test_the_drawn_rows_have_the_smallest_priorities() -> None:
    rows = 5000
    sample = draw_sample(np.zeros(rows, np.int32), np.array([rows]), 50, seed=7, level=0)
    smallest = np.argsort(row_priorities(0, rows, 7, 0))[:50]
    assert sample.rows.tolist() == sorted(smallest.tolist())


def test_a_priority_depends_on_the_row_and_not_on_where_the_chunk_begins() -> None:
    whole = row_priorities(0, 1000, seed=1, level=2)
    assert (row_priorities(300, 400, seed=1, level=2) == whole[300:400]).all()
    assert len(np.unique(whole)) == 1000
    assert abs(whole.mean() / 2**64 - 0.5) < 0.05


def test_groups_hold_at_most_the_limit_or_a_single_node() -> None:
    sample = Sample(np.arange(19), np.array([0, 4, 7, 16, 18, 19]))  # 4, 3, 9, 2 and 1 rows
    assert sample.groups(7) == [(0, 2), (2, 3), (3, 5)]
    assert sample.groups(100) == [(0, 5)]
