"""From examples to a model, always the same one from the same examples."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from controlplane.support.triage.classifier import fit
from controlplane.support.triage.examples import WORDS, WORDS_AND_MEANINGS, Embed, Example
from controlplane.support.triage.model import Triage

# Fewer labelled with an urgency teach nothing; the rules alone speak then.
URGENCIES_ENOUGH = 20


@dataclass(frozen=True)
class Trained:
    """`accuracy` and `ece` of the intents, on folds that were held out."""

    model: Triage
    accuracy: float
    ece: float


def train(examples: Sequence[Example], *, embed: Embed | None = None) -> Trained:
    """At least two different intents are needed."""
    texts = [example.text for example in examples]
    meanings = np.asarray(embed(texts), dtype=np.float32) if embed else None
    intents, held = fit(
        texts,
        [example.intent for example in examples],
        importance=[example.weight for example in examples],
        meanings=meanings,
    )
    labelled = [place for place, example in enumerate(examples) if example.urgency]
    urgency = None
    if _teach_urgency([examples[place].urgency for place in labelled]):
        urgency, _held = fit(
            [texts[place] for place in labelled],
            [examples[place].urgency for place in labelled],
            importance=[examples[place].weight for place in labelled],
            meanings=None if meanings is None else meanings[labelled],
        )
    model = Triage(
        intents=intents,
        urgency=urgency,
        threshold=held.threshold,
        features=WORDS_AND_MEANINGS if embed else WORDS,
        embed=embed,
    )
    return Trained(model, accuracy=held.accuracy, ece=held.ece)


def _teach_urgency(levels: Sequence[str]) -> bool:
    return len(levels) >= URGENCIES_ENOUGH and len(Counter(levels)) >= 2
