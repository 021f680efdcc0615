"""The whole of triage: intent, urgency and language of one text, each with its confidence."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from controlplane.support.triage.classifier import Classifier
from controlplane.support.triage.examples import WORDS, Embed
from controlplane.support.triage.language import detect_language
from controlplane.support.triage.urgency import (
    NORMAL,
    RULE_CONFIDENCE,
    UNKNOWN_CONFIDENCE,
    Sign,
    highest,
    signs_of,
)

_ALTERNATIVES = 3


@dataclass(frozen=True)
class Sorted:
    """What one text is held to be. `words` spoke for the intent, `signs` raised the urgency."""

    intent: str
    intent_confidence: float
    is_confident: bool
    threshold: float
    alternatives: list[tuple[str, float]]
    words: list[tuple[str, float]]
    urgency: str
    urgency_confidence: float
    signs: list[Sign]
    language: str
    language_confidence: float

    @property
    def urgency_reasons(self) -> list[dict[str, str]]:
        return [
            {"rule": sign.rule, "urgency": sign.level, "words": sign.words} for sign in self.signs
        ]


@dataclass
class Triage:
    """Ready to sort. `embed` is given by whoever loads it, and is needed for `features` with it."""

    intents: Classifier
    urgency: Classifier | None
    threshold: float
    features: str
    embed: Embed | None = field(default=None, repr=False)

    def sort(self, text: str, *, language: str = "", fallback_language: str = "en") -> Sorted:
        """`language` is what the sender says it is; `fallback_language` where nothing tells."""
        meanings = self.meanings([text])
        ranked = self.rank([text], meanings)[0]
        intent, confidence = ranked[0]
        signs = signs_of(text)
        urgency, urgency_confidence = self._urgency(text, meanings, signs)
        spoken, language_confidence = (
            (language, 1.0) if language else detect_language(text, fallback=fallback_language)
        )
        return Sorted(
            intent=intent,
            intent_confidence=confidence,
            is_confident=confidence >= self.threshold,
            threshold=self.threshold,
            alternatives=ranked[1 : 1 + _ALTERNATIVES],
            words=self.intents.strongest_words(text, intent),
            urgency=urgency,
            urgency_confidence=urgency_confidence,
            signs=signs,
            language=spoken,
            language_confidence=language_confidence,
        )

    def rank(
        self, texts: Sequence[str], meanings: np.ndarray | None = None
    ) -> list[list[tuple[str, float]]]:
        """For each text every intent with its confidence, the likeliest first."""
        if meanings is None:
            meanings = self.meanings(texts)
        told = self.intents.probabilities(texts, meanings)
        return [
            [(self.intents.labels[place], float(row[place])) for place in np.argsort(-row)]
            for row in told
        ]

    def meanings(self, texts: Sequence[str]) -> np.ndarray | None:
        if self.features == WORDS:
            return None
        assert self.embed is not None, "a model with meanings is loaded with what makes them"
        return np.asarray(self.embed(texts), dtype=np.float32)

    def _urgency(
        self, text: str, meanings: np.ndarray | None, signs: list[Sign]
    ) -> tuple[str, float]:
        level, confidence = NORMAL, UNKNOWN_CONFIDENCE
        if self.urgency is not None:
            told = self.urgency.probabilities([text], meanings)[0]
            level, confidence = self.urgency.labels[int(told.argmax())], float(told.max())
        if not signs:
            return level, confidence
        raised = highest([level, *(sign.level for sign in signs)])
        if raised == level:
            agreed = any(sign.level == level for sign in signs)
            return level, max(confidence, RULE_CONFIDENCE) if agreed else confidence
        return raised, RULE_CONFIDENCE
