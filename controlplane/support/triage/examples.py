"""What is learned from, and the name of what would come of it; light enough to import anywhere."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version

RECIPE = 1
"""Raised whenever the code would make another model of the same examples."""

WORDS = "words"
WORDS_AND_MEANINGS = "words+minilm"


Embed = Callable[[Sequence[str]], Sequence[Sequence[float]]]
"""Texts into vectors of their meaning."""


class ModelUnreadable(Exception):
    """The bytes are no model of this version; train a new one."""


@dataclass(frozen=True)
class Example:
    """`urgency` may be empty. `weight`: a correction counts more than a starter sentence."""

    text: str
    intent: str
    urgency: str = ""
    language: str = ""
    weight: float = 1.0


def fingerprint_of(examples: Sequence[Example], *, features: str) -> str:
    """The same for the same examples in the same order, recipe and library."""
    digest = hashlib.sha256(f"{RECIPE} {features} {version('scikit-learn')}".encode())
    for example in examples:
        row = [
            example.text, example.intent, example.urgency, example.language, example.weight,
        ]  # fmt: skip
        digest.update(json.dumps(row, ensure_ascii=False).encode())
    return digest.hexdigest()
