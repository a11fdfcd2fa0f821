"""A pool of threads in which every product of matrices sums in one order."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from threading import Lock

from threadpoolctl import ThreadpoolController


@cache
def _libraries() -> ThreadpoolController:
    """Find the numeric libraries of the process, which takes a millisecond."""
    return ThreadpoolController()


class _OneThreadProducts:
    """Limits BLAS to one thread while at least one caller is inside.

    The limit holds for the whole process, so the last caller to leave lifts it.
    """

    def __init__(self) -> None:
        self._lock, self._inside = Lock(), 0

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._limit = _libraries().limit(limits=1, user_api="blas")
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._limit.restore_original_limits()


_ONE_THREAD_PRODUCTS = _OneThreadProducts()


@contextmanager
def workers(n_jobs: int | None) -> Iterator[Executor]:
    """Yield a pool of threads with one BLAS thread and one OpenMP thread each.

    The same bytes come out on any number of cores: callers cut work by the data, never by the
    number of threads, and a product in one thread sums in one order.

    Args:
        n_jobs: threads, counted as scikit-learn does; -1 is one per core, None is one.
    """
    threads = 1 if n_jobs is None else n_jobs
    if threads <= 0:
        from joblib import cpu_count

        threads = max(1, cpu_count() + 1 + threads)
    with _ONE_THREAD_PRODUCTS, ThreadPoolExecutor(threads, initializer=_limit_openmp) as pool:
        yield pool


def _limit_openmp() -> None:
    """Limit OpenMP to one thread; it keeps this number for each calling thread."""
    _libraries().limit(limits=1, user_api="openmp")
