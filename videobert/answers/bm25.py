"""Okapi BM25 (Robertson & Zaragoza, 2009, The Probabilistic Relevance Framework: BM25 and Beyond).

The weight of term t in document d is

    idf(t) * tf / (tf + K1 * (1 - B + B * length(d) / mean length)),
    idf(t) = log(1 + (N - n + 0.5) / (n + 0.5)),

where n of N texts have the term. The 1 keeps a term of most texts from counting against a document.
A text's score is the mean, not the sum, of the weights of its terms. The order of the documents for
one text is the same by both. But of the texts for one document, the sum would favour the longest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workfolder.errors import InputError

if TYPE_CHECKING:
    from scipy.sparse import csr_array
    from sklearn.feature_extraction.text import CountVectorizer

K1, B = 1.2, 0.75


@dataclass(frozen=True)
class BM25:
    """Documents, ready to be searched.

    Attributes:
        counter: Cuts texts into terms: letters and digits that stand together, whatever their case.
        weights: Weight of each term in each document, float64 [documents, terms].
    """

    counter: CountVectorizer
    weights: csr_array

    @classmethod
    def fit(cls, texts: Sequence[str], shares: csr_array | None = None) -> BM25:
        """Make an index of texts, or of averages of them.

        Args:
            texts: Tell how rare a term is and how long a text is.
            shares: How much of each text a document has, [documents, texts]; None if each text is a
                document.

        Raises:
            InputError: if the texts have no term.
        """
        from scipy.sparse import csr_array
        from sklearn.feature_extraction.text import CountVectorizer

        counter = CountVectorizer(token_pattern=r"\w+")
        try:
            counts = csr_array(counter.fit_transform(texts), dtype=np.float64)
        except ValueError as error:  # scikit-learn's way to say that there is no term
            raise InputError(
                "there is no sentence to look words up in: give a folder in which somebody speaks, "
                "--training DIR with such videos, or --first-stage none (search)"
            ) from error
        seen_in = np.bincount(counts.indices, minlength=counts.shape[1])
        idf = np.log1p((len(texts) - seen_in + 0.5) / (seen_in + 0.5))
        documents = counts if shares is None else csr_array(shares @ counts)
        lengths = documents.sum(axis=1) / counts.sum(axis=1).mean()
        offset = np.repeat(K1 * (1 - B + B * lengths), np.diff(documents.indptr))
        documents.data = idf[documents.indices] * documents.data / (documents.data + offset)
        return cls(counter, documents)

    def questions(self, texts: Sequence[str]) -> csr_array:
        """Count the share of each known term in texts, [texts, terms], to multiply weights with."""
        from scipy.sparse import csr_array

        return normalised(csr_array(self.counter.transform(texts), dtype=np.float64))


def normalised(rows: csr_array) -> csr_array:
    """Divide each row by its sum; empty rows stay empty."""
    sums = np.maximum(rows.sum(axis=1), np.finfo(np.float64).tiny)
    rows.data = rows.data / np.repeat(sums, np.diff(rows.indptr))
    return rows
