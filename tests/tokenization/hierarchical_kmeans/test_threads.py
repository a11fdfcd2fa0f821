from __future__ import annotations

from threadpoolctl import threadpool_info

from tokenization.hierarchical_kmeans.threads import workers


def blas_threads() -> set[int]:
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_products_have_one_thread_until_the_last_pool_closes() -> None:
    before = blas_threads()
    with workers(2):
        with workers(1) as inner:
            assert blas_threads() == inner.submit(blas_threads).result() == {1}
        assert blas_threads() == {1}
    assert blas_threads() == before
