"""One text classifier: linear, calibrated on held-out folds, able to say why."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import LinearSVC

from controlplane.support.triage.calibration import (
    choose_threshold,
    expected_error,
    fit_temperature,
    folds,
    probabilities,
)
from controlplane.support.triage.features import Matrix, Words, with_meanings

SEED = 20
FOLDS = 5
# Of many examples two thirds tell as much as four fifths, in half the time.
FOLDS_OF_MANY, MANY = 3, 2000
# Chosen by cross-validation on the training part of Banking77 (docs/adr/0013).
_C = 0.5
MEANING_WEIGHT = 2.0
_STRONGEST = 6
# The score of a label that a fold never saw.
_UNSEEN = -3.0


@dataclass
class Classifier:
    """What is kept of a training: vocabulary, weights, and the temperature of its scores."""

    labels: list[str]
    words: Words
    weights: np.ndarray
    bias: np.ndarray
    temperature: float
    has_meanings: bool

    def scores(self, texts: Sequence[str], meanings: np.ndarray | None) -> np.ndarray:
        return self._scores_of(self._seen(texts, meanings))

    def probabilities(self, texts: Sequence[str], meanings: np.ndarray | None) -> np.ndarray:
        """A row for each text, a column for each of `labels`."""
        return probabilities(self.scores(texts, meanings), self.temperature)

    def strongest_words(self, text: str, label: str) -> list[tuple[str, float]]:
        """The words that spoke most for the label rather than for the others."""
        names = self.words.names()
        seen = self.words.seen([text])[:, : len(names)]
        weights = self.weights[:, : len(names)]
        ahead = weights[self.labels.index(label), seen.indices] - weights[:, seen.indices].mean(0)
        told = sorted(
            ((names[column], float(value * gain)) for column, value, gain in
             zip(seen.indices, seen.data, ahead, strict=True)),
            key=lambda found: -found[1],
        )  # fmt: skip
        return [(word, weight) for word, weight in told[:_STRONGEST] if weight > 0]

    def _seen(self, texts: Sequence[str], meanings: np.ndarray | None) -> Matrix:
        return with_meanings(
            self.words.seen(texts),
            meanings if self.has_meanings else None,
            weight=MEANING_WEIGHT,
        )

    def _scores_of(self, seen: Matrix) -> np.ndarray:
        return np.asarray(seen @ self.weights.T + self.bias)


@dataclass(frozen=True)
class Held:
    """How the recipe did on folds that it was not trained on."""

    accuracy: float
    ece: float
    threshold: float


def fit(
    texts: Sequence[str],
    labels: Sequence[str],
    *,
    importance: Sequence[float],
    meanings: np.ndarray | None,
) -> tuple[Classifier, Held]:
    """At least two different labels are needed. The same input always makes the same classifier."""
    named = sorted(set(labels))
    number = {label: place for place, label in enumerate(named)}
    truth = np.array([number[label] for label in labels])
    weight = np.asarray(importance, dtype=float)
    held = _held_out_scores(texts, labels, truth, weight, meanings, len(named))
    temperature = fit_temperature(held, truth)
    told = probabilities(held, temperature)
    confidence, correct = told.max(axis=1), told.argmax(axis=1) == truth
    words, seen = Words.fitted(texts)
    rows, bias = _separate(with_meanings(seen, meanings, weight=MEANING_WEIGHT), truth, weight)
    classifier = Classifier(named, words, rows, bias, temperature, meanings is not None)
    return classifier, Held(
        accuracy=float(correct.mean()),
        ece=expected_error(confidence, correct),
        threshold=choose_threshold(confidence, correct),
    )


def _held_out_scores(
    texts: Sequence[str],
    labels: Sequence[str],
    truth: np.ndarray,
    weight: np.ndarray,
    meanings: np.ndarray | None,
    labels_known: int,
) -> np.ndarray:
    """Each text scored by a classifier that has not seen it, vocabulary included."""
    scores = np.full((len(texts), labels_known), _UNSEEN)
    number = FOLDS if len(texts) < MANY else FOLDS_OF_MANY
    fold_of = folds(labels, number=number, seed=SEED)
    for fold in range(number):
        out = np.flatnonzero(fold_of == fold)
        kept = np.flatnonzero(fold_of != fold)
        present, local = np.unique(truth[kept], return_inverse=True)
        if not len(out) or len(present) < 2:
            continue
        words, seen = Words.fitted([texts[int(place)] for place in kept])
        seen = with_meanings(seen, _of(meanings, kept), weight=MEANING_WEIGHT)
        rows, bias = _separate(seen, local, weight[kept])
        left = with_meanings(
            words.seen([texts[int(place)] for place in out]),
            _of(meanings, out),
            weight=MEANING_WEIGHT,
        )
        scores[np.ix_(out, present)] = left @ rows.T + bias
    return scores


def _separate(seen: Matrix, truth: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One row of weights for each label, each label against the rest."""
    machine: Any = LinearSVC(C=_C, dual=True, random_state=SEED, max_iter=2000)
    with warnings.catch_warnings():
        # Not quite at the optimum is good enough, and as deterministic.
        warnings.simplefilter("ignore", ConvergenceWarning)
        # That a few texts have many labels is so when a tenant begins.
        warnings.filterwarnings("ignore", message="The number of unique classes")
        machine.fit(seen, truth, sample_weight=weight)
    rows, bias = machine.coef_, machine.intercept_
    if len(rows) == 1:  # of two labels scikit-learn keeps the second one's side only
        rows, bias = np.vstack([-rows[0], rows[0]]), np.array([-bias[0], bias[0]])
    return rows.astype(np.float32), bias.astype(np.float32)


def _of(meanings: np.ndarray | None, places: np.ndarray) -> np.ndarray | None:
    return None if meanings is None else meanings[places]
