"""A model as bytes and back, by skops: what is loaded can compute and do nothing else.

A pickle would run whatever it says; here every type has to be on a list, and the shapes have to
fit one another before the model is used.
"""

import warnings
from typing import Any

import numpy as np
import skops.io
from sklearn.exceptions import InconsistentVersionWarning

from controlplane.support.triage.classifier import Classifier
from controlplane.support.triage.examples import RECIPE, WORDS, Embed, ModelUnreadable
from controlplane.support.triage.features import Words
from controlplane.support.triage.model import Triage

FORMAT = f"pergola-triage-{RECIPE}"
# Beyond what skops trusts by itself: nothing. Vectorizers and arrays are all there is.
TRUSTED: list[str] = []


def dump(triage: Triage) -> bytes:
    state = {
        "format": FORMAT,
        "features": triage.features,
        "threshold": triage.threshold,
        "intents": _state(triage.intents),
        "urgency": _state(triage.urgency) if triage.urgency else None,
    }
    return bytes(skops.io.dumps(state))


def load(content: bytes, *, embed: Embed | None) -> Triage:
    """Raises ModelUnreadable, also where the model needs meanings and there is no `embed`."""
    try:
        with warnings.catch_warnings():
            # Of another scikit-learn: it may compute something else than was measured.
            warnings.simplefilter("error", InconsistentVersionWarning)
            state = skops.io.loads(content, trusted=TRUSTED)
        if state["format"] != FORMAT:
            raise ModelUnreadable(f"it is {state['format']!r}, not {FORMAT!r}")
        triage = Triage(
            intents=_classifier(state["intents"]),
            urgency=_classifier(state["urgency"]) if state["urgency"] else None,
            threshold=float(state["threshold"]),
            features=str(state["features"]),
            embed=embed,
        )
    except ModelUnreadable:
        raise
    except Exception as error:  # whatever broken bytes make skops, zipfile and json say
        raise ModelUnreadable(f"{type(error).__name__}: {error}") from error
    if triage.features != WORDS and embed is None:
        raise ModelUnreadable(f"it needs {triage.features}, and no embedding model is installed")
    return triage


def _state(classifier: Classifier) -> dict[str, Any]:
    return {
        "labels": classifier.labels,
        "word": classifier.words.word,
        "pair": classifier.words.pair,
        "piece": classifier.words.piece,
        "weights": classifier.weights,
        "bias": classifier.bias,
        "temperature": classifier.temperature,
        "has_meanings": classifier.has_meanings,
    }


def _classifier(state: dict[str, Any]) -> Classifier:
    classifier = Classifier(
        labels=[str(label) for label in state["labels"]],
        words=Words(state["word"], state["pair"], state["piece"]),
        weights=np.asarray(state["weights"], dtype=np.float32),
        bias=np.asarray(state["bias"], dtype=np.float32),
        temperature=float(state["temperature"]),
        has_meanings=bool(state["has_meanings"]),
    )
    wanted = (len(classifier.labels),)
    if classifier.bias.shape != wanted or classifier.weights.shape[:1] != wanted:
        raise ModelUnreadable("labels, weights and bias do not belong together")
    return classifier
