"""Texts as numbers: words, pairs of words wherever they stand, pieces of words, and a meaning.

Pairs catch "card … arrived" and "arrived … card" alike, which sequences of words do not; pieces
of words forgive spelling and German compounds. The meaning is a sentence embedding, where the
caller has one to give.
"""

import re
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import scipy.sparse
from sklearn.feature_extraction.text import TfidfVectorizer

Matrix: TypeAlias = Any
"""A sparse matrix in rows; SciPy brings no types."""

WORD = r"(?u)\b\w+\b"
PAIR = r"\S+"
_WORD = re.compile(r"\w+")
# A long mail would make millions of pairs, and its beginning says what it is about.
MOST_CHARACTERS = 4000
MOST_PAIRED = 60
_RARE_FROM = 200
"""From so many texts on, what stands in one of them only is left out."""


class Words:
    """Three TF-IDF vectorizers beside one another, in this order."""

    def __init__(self, word: Any, pair: Any, piece: Any) -> None:
        self.word, self.pair, self.piece = word, pair, piece

    @classmethod
    def fitted(cls, texts: Sequence[str]) -> tuple["Words", Matrix]:
        """The vectorizers that these texts make, and the texts as they see them."""
        rare = 1 if len(texts) < _RARE_FROM else 2
        made = cls(
            TfidfVectorizer(ngram_range=(1, 2), token_pattern=WORD, sublinear_tf=True),
            TfidfVectorizer(token_pattern=PAIR, lowercase=False, min_df=rare, sublinear_tf=True),
            TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=rare, sublinear_tf=True),
        )
        short, paired = [shortened(text) for text in texts], [pairs(text) for text in texts]
        parts = [
            made.word.fit_transform(short),
            made.pair.fit_transform(paired),
            made.piece.fit_transform(short),
        ]
        return made, _beside(parts)

    def seen(self, texts: Sequence[str]) -> Matrix:
        short = [shortened(text) for text in texts]
        paired = [pairs(text) for text in texts]
        return _beside(
            [self.word.transform(short), self.pair.transform(paired), self.piece.transform(short)]
        )

    def names(self) -> list[str]:
        """Of the columns that a person can read: words and sequences of two."""
        return list(self.word.get_feature_names_out())


def shortened(text: str) -> str:
    return text[:MOST_CHARACTERS]


def pairs(text: str) -> str:
    """Every two different words of the text, in alphabetical order, as one token each."""
    words = sorted(dict.fromkeys(_WORD.findall(shortened(text).lower())[:MOST_PAIRED]))
    # One word alone still makes a token, so that no text is empty.
    return " ".join(
        f"{first}+{second}" for place, first in enumerate(words) for second in words[place:]
    )


def with_meanings(words: Matrix, meanings: np.ndarray | None, *, weight: float) -> Matrix:
    """Meanings as further columns, `weight` times as strong as a block of words."""
    if meanings is None:
        return words
    return _beside([words, scipy.sparse.csr_matrix(meanings * np.float32(weight))])


def _beside(parts: Sequence[Any]) -> Matrix:
    return scipy.sparse.hstack(parts, format="csr", dtype=np.float32)
