"""The model of triage by itself: calibrated, explained, the same every time, stored safely."""

import pickle
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import skops.io

from controlplane.support.queues import INTENTS, queue_for
from controlplane.support.starter import starter_examples
from controlplane.support.triage import calibration, classifier
from controlplane.support.triage.examples import (
    WORDS,
    WORDS_AND_MEANINGS,
    Example,
    ModelUnreadable,
    fingerprint_of,
)
from controlplane.support.triage.features import pairs
from controlplane.support.triage.language import detect_language
from controlplane.support.triage.storage import FORMAT, dump, load
from controlplane.support.triage.training import Trained, train
from controlplane.support.triage.urgency import signs_of
from tests.factories.support import TWO_INTENTS

FEW = (
    tuple(
        Example(text, intent, "high" if intent == "mooring" else "low", weight=weight)
        for intent, texts in TWO_INTENTS.items()
        for text, weight in zip(texts, (1, 1, 1, 1, 1, 3), strict=True)
    )
    * 2
)


def letters(texts: Sequence[str]) -> Sequence[Sequence[float]]:
    """A meaning that knows letters only."""
    return [[text.lower().count(letter) / 20 for letter in "abcdefgh"] for text in texts]


@pytest.fixture(scope="module")
def trained() -> Trained:
    return train(FEW)


def test_it_says_what_why_and_what_else(trained: Trained) -> None:
    found = trained.model.sort("Is there a rope at the pier for my boat?")

    assert found.intent == "mooring"
    assert found.intent_confidence + sum(c for _i, c in found.alternatives) == pytest.approx(1)
    assert {word for word, _weight in found.words} & {"rope", "pier", "boat", "my boat"}
    assert found.language == "en"
    assert found.is_confident == (found.intent_confidence >= found.threshold)


def test_the_same_examples_make_the_same_model(trained: Trained) -> None:
    again = train(FEW)

    assert np.array_equal(again.model.intents.weights, trained.model.intents.weights)
    assert again.model.intents.temperature == trained.model.intents.temperature
    assert (again.accuracy, again.ece) == (trained.accuracy, trained.ece)


def test_a_fingerprint_changes_with_all_that_changes_the_model() -> None:
    one = fingerprint_of(FEW, features=WORDS)

    assert one == fingerprint_of(list(FEW), features=WORDS)
    assert one != fingerprint_of(FEW[1:], features=WORDS)
    assert one != fingerprint_of(FEW, features=WORDS_AND_MEANINGS)
    assert one != fingerprint_of([*FEW[:-1], Example("x", "fuel")], features=WORDS)


def test_a_stored_model_says_the_same(trained: Trained) -> None:
    loaded = load(dump(trained.model), embed=None)

    for text in ("diesel", "The pier is full", "", "日本語", "a" * 10_000):
        assert loaded.sort(text) == trained.model.sort(text)


def test_a_stored_model_with_meanings_needs_what_makes_them() -> None:
    content = dump(train(FEW, embed=letters).model)

    assert load(content, embed=letters).sort("diesel").intent == "fuel"
    with pytest.raises(ModelUnreadable, match="no embedding model"):
        load(content, embed=None)


class Evil:
    def __reduce__(self) -> Any:
        return (print, ("this must never be printed",))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no zip",
        pickle.dumps(Evil()),
        skops.io.dumps({"format": "something else"}),
        skops.io.dumps({"format": FORMAT, "intents": {}}),
        skops.io.dumps([1, 2, 3]),
        skops.io.dumps({"format": FORMAT, "intents": skops.io.dumps}),
    ],
)
def test_what_is_no_model_is_not_loaded(content: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ModelUnreadable):
        load(content, embed=None)
    assert capsys.readouterr().out == ""


def test_a_model_cut_short_is_not_loaded(trained: Trained) -> None:
    content = dump(trained.model)

    for end in (10, len(content) // 2, len(content) - 1):
        with pytest.raises(ModelUnreadable):
            load(content[:end], embed=None)


def test_weights_that_fit_no_labels_are_not_loaded(trained: Trained) -> None:
    labels = trained.model.intents.labels
    try:
        trained.model.intents.labels = [*labels, "one too many"]
        content = dump(trained.model)
    finally:
        trained.model.intents.labels = labels

    with pytest.raises(ModelUnreadable, match="belong together"):
        load(content, embed=None)


def test_temperature_makes_confidence_hold() -> None:
    random = np.random.default_rng(1)
    truth = random.integers(0, 4, 4000)
    scores = random.normal(0, 1, (4000, 4))
    scores[np.arange(4000), truth] += 1.0
    overdone = scores * 9

    temperature = calibration.fit_temperature(overdone, truth)

    told = calibration.probabilities(overdone, temperature)
    correct = told.argmax(axis=1) == truth
    raw = calibration.probabilities(overdone, 1.0)
    assert calibration.expected_error(told.max(axis=1), correct) < 0.03
    assert calibration.expected_error(raw.max(axis=1), correct) > 0.2


def test_the_error_is_weighed_by_bins() -> None:
    confidence = np.array([0.9] * 10 + [0.5] * 10)
    correct = np.array([True] * 9 + [False] + [True] * 3 + [False] * 7)

    assert calibration.expected_error(confidence, correct) == pytest.approx(0.5 * 0.0 + 0.5 * 0.2)


def test_the_threshold_keeps_what_it_promises() -> None:
    confidence = np.linspace(1, 0, 200)
    correct = np.array([True] * 100 + [False] * 100)

    threshold = calibration.choose_threshold(confidence, correct)

    sure = correct[confidence >= threshold]
    assert sure.mean() >= calibration.PRECISION_WANTED
    assert len(sure) == 105
    assert calibration.choose_threshold(confidence, ~correct) > 1


def test_a_handful_of_lucky_guesses_makes_nothing_confident() -> None:
    confidence = np.linspace(1, 0, 200)
    correct = np.array([True] * 10 + [False] * 190)

    assert calibration.choose_threshold(confidence, correct) > 1


def test_a_classifiers_confidence_is_made_to_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scores on folds that are nine times too sure of themselves."""
    random = np.random.default_rng(1)
    truth = random.integers(0, 2, 400)
    scores = random.normal(0, 1, (400, 2))
    scores[np.arange(400), truth] += 1.0
    monkeypatch.setattr(classifier, "_held_out_scores", lambda *_: scores * 9)
    texts = [["My boat drifts", "Diesel for boats"][place] for place in truth]

    made, held = classifier.fit(
        texts, [str(place) for place in truth], importance=[1.0] * 400, meanings=None
    )

    assert made.temperature > 3
    assert held.ece < 0.06


def test_every_label_is_spread_over_the_folds() -> None:
    labels = ["a"] * 50 + ["b"] * 7 + ["c"]

    found = calibration.folds(labels, number=5, seed=1)

    assert [int((found[:50] == fold).sum()) for fold in range(5)] == [10] * 5
    assert len(set(found[50:57])) == 5
    assert max(np.bincount(found)) - min(np.bincount(found)) <= 1


def test_pairs_do_not_care_where_the_words_stand() -> None:
    assert set(pairs("card arrived").split()) <= set(pairs("It arrived, my card!").split())
    assert pairs("hello") == "hello+hello"
    assert pairs("") == ""


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("I will call my lawyer", {"legal"}),
        ("Ich nehme mir einen Anwalt", {"legal"}),
        ("Unsere Produktion steht seit heute", {"standstill"}),
        ("please reply asap", {"urgent"}),
        ("Es eilt sehr", {"urgent"}),
        ("This is not urgent at all", set()),
        ("Das ist nicht dringend", set()),
        ("Es eilt nicht", set()),
        ("WHERE IS MY ORDER NOW", {"capitals"}),
        ("the ISO and the DIN norm", set()),
        ("Hello!!!", {"exclamation"}),
        ("Hello!", set()),
        ("Der Akku läuft aus", {"danger"}),
        ("The invoice is overdue", {"overdue"}),
        ("A courtyard in Issue", set()),
    ],
)
def test_signs_of_urgency(text: str, rules: set[str]) -> None:
    assert {sign.rule for sign in signs_of(text)} == rules


def test_a_sign_raises_and_never_lowers(trained: Trained) -> None:
    calm = trained.model.sort("What does diesel cost?")
    urgent = trained.model.sort("What does diesel cost? This is urgent.")
    grave = trained.model.sort("My boat drifts, I call my lawyer")

    assert (calm.urgency, calm.signs) == ("low", [])
    assert (urgent.urgency, grave.urgency) == ("high", "critical")
    assert urgent.urgency_reasons == [{"rule": "urgent", "urgency": "high", "words": "urgent"}]


def test_without_examples_of_urgency_only_the_rules_speak() -> None:
    model = train([Example(example.text, example.intent) for example in FEW]).model

    assert model.urgency is None
    assert model.sort("diesel").urgency == "normal"
    assert model.sort("diesel, urgent").urgency == "high"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Where is the parcel that I ordered last week?", "en"),
        ("Wo ist das Paket, das ich letzte Woche bestellt habe?", "de"),
        ("Où est le colis que j'ai commandé la semaine dernière ?", "fr"),
        ("ok", "de"),
        ("", "de"),
        ("12345 https://example.com/where/is/my/order", "de"),
    ],
)
def test_languages(text: str, language: str) -> None:
    found, confidence = detect_language(text, fallback="de")

    assert found == language
    assert 0 <= confidence <= 1


def test_the_starter_examples_cover_every_intent_in_both_languages() -> None:
    examples = starter_examples()

    assert {example.intent for example in examples} == set(INTENTS)
    for intent in INTENTS:
        for language in ("en", "de"):
            own = [e for e in examples if (e.intent, e.language) == (intent, language)]
            assert len(own) >= 12
            assert all(e.urgency for e in own)
    assert len({example.text for example in examples}) == len(examples)


def test_every_starter_intent_has_a_queue_and_any_other_the_general_one() -> None:
    assert {queue_for(intent) for intent in INTENTS} >= {"returns", "accounting", "sales"}
    assert queue_for("mooring") == queue_for("") == "general"


@pytest.mark.parametrize("text", ["?" * 50_000, "a" * 50_000, "a@" * 20_000, "AB " * 20_000])
def test_a_hostile_text_is_sorted_as_any_other(text: str, trained: Trained) -> None:
    """Whole, it would take the words' and the language's models minutes."""
    assert trained.model.sort(text)
