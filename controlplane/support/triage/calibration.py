"""Scores made into probabilities that hold: of what is said with 80 %, four of five are right."""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize_scalar

PRECISION_WANTED = 0.95
"""What is called confident is right so often, on held-out folds."""

_BINS = 15


def probabilities(scores: np.ndarray, temperature: float) -> np.ndarray:
    """Softmax of the scores, sharper the lower the temperature; one row for each text."""
    scaled = scores / temperature
    scaled = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(scaled / scaled.sum(axis=1, keepdims=True))


def fit_temperature(scores: np.ndarray, truth: np.ndarray) -> float:
    """The temperature that makes the held-out truth most likely."""

    def loss(log_temperature: float) -> float:
        told = probabilities(scores, float(np.exp(log_temperature)))
        chosen = told[np.arange(len(truth)), truth]
        return float(-np.log(np.clip(chosen, 1e-12, 1.0)).mean())

    found = minimize_scalar(loss, bounds=(np.log(0.01), np.log(50.0)), method="bounded")
    return float(np.exp(found.x))


def expected_error(confidence: np.ndarray, correct: np.ndarray, *, bins: int = _BINS) -> float:
    """The expected calibration error: |accuracy - confidence| of each bin, weighed by its size."""
    places = np.minimum((confidence * bins).astype(int), bins - 1)
    error = 0.0
    for place in range(bins):
        inside = places == place
        if inside.any():
            error += float(inside.mean()) * abs(
                float(correct[inside].mean()) - float(confidence[inside].mean())
            )
    return error


def choose_threshold(confidence: np.ndarray, correct: np.ndarray) -> float:
    """The lowest confidence from which on PRECISION_WANTED holds; above 1 where none does."""
    order = np.argsort(-confidence, kind="stable")
    precision = np.cumsum(correct[order]) / np.arange(1, len(order) + 1)
    good = np.flatnonzero(precision >= PRECISION_WANTED)
    # A handful of lucky guesses at the top is no evidence.
    enough = good[good + 1 >= min(20, len(order))]
    return float(confidence[order][enough[-1]]) if len(enough) else 1.01


def folds(labels: Sequence[str], *, number: int, seed: int) -> np.ndarray:
    """The fold of each example: every label spread evenly, also one with fewer than `number`."""
    random = np.random.default_rng(seed)
    place = np.empty(len(labels), dtype=int)
    named = np.asarray(labels)
    first = 0
    for label in sorted(set(labels)):
        of_label = random.permutation(np.flatnonzero(named == label))
        # Where the last label stopped, the next one goes on: folds of one size.
        place[of_label] = (np.arange(len(of_label)) + first) % number
        first += len(of_label)
    return place
