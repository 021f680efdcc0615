"""How well triage sorts Banking77's questions into 77 intents, and whether its confidence holds.

Trained and asked through Pergola's own code. Where `support/banking77/test.csv` is there, the
whole of train.csv is learned and the whole of test.csv asked; else a fifth of train.csv, drawn
evenly from every intent, is kept back and asked.
"""

import csv
import time
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

from bench.run import Report, need
from controlplane.support.triage.calibration import expected_error, folds
from controlplane.support.triage.examples import Embed, Example
from controlplane.support.triage.model import Triage
from controlplane.support.triage.training import train

PARTS = 5
SEED = 77
SHARES = (0.5, 0.8, 0.9, 1.0)
Rows = list[tuple[str, str]]


def run(data: Path, report: Report) -> dict[str, float]:
    folder = need(data / "support" / "banking77")
    known = _read(need(folder / "train.csv"))
    test = folder / "test.csv"
    learned, asked = (known, _read(test)) if test.exists() else _split(known)
    report.say(
        f"{len(learned)} questions learned, {len(asked)} asked: "
        + ("the official test set" if test.exists() else f"a {PARTS}th of train.csv, kept back")
    )
    embed = _embedder()
    figures: dict[str, float] = {}
    table = []
    for name, meanings in (("words+minilm", embed), ("words", None)):
        if name == "words+minilm" and embed is None:
            report.say("The embedding extra is not installed: words alone.")
            continue
        seconds, model = _trained(learned, meanings)
        confidence, correct, per_ticket = _asked(model, asked, report, name)
        found = _figures(confidence, correct)
        table.append([f"Pergola, {name}", *found, seconds, per_ticket * 1000])
        if not figures:
            figures = {
                "banking77_accuracy": round(found[0], 4),
                "ece": round(found[1], 4),
                "train_s": round(seconds, 1),
            }
            _selective(report, confidence, correct, model.threshold)
    began = time.perf_counter()
    baseline = _baseline(learned, asked)
    table.append(["TF-IDF + LinearSVC", baseline, None, time.perf_counter() - began, None])
    report.table(
        "Banking77, 77 intents",
        ["who", "accuracy", "ECE (15 bins)", "training s", "ms a question"],
        [["–" if value is None else value for value in row] for row in table],
    )
    return figures


def _trained(rows: Rows, embed: Embed | None) -> tuple[float, Triage]:
    """With calibration and everything; what the embedding model loads is part of it."""
    examples = [Example(text, intent) for text, intent in rows]
    began = time.perf_counter()
    model = train(examples, embed=embed).model
    return time.perf_counter() - began, model


def _asked(
    model: Triage, rows: Rows, report: Report, name: str
) -> tuple[np.ndarray, np.ndarray, float]:
    began = time.perf_counter()
    ranked = model.rank([text for text, _intent in rows])
    seconds = time.perf_counter() - began
    for (text, intent), order in zip(rows, ranked, strict=True):
        report.row(model=name, text=text, intent=intent, found=order[0][0], confidence=order[0][1])
    confidence = np.array([order[0][1] for order in ranked])
    correct = np.array(
        [order[0][0] == intent for (_text, intent), order in zip(rows, ranked, strict=True)]
    )
    return confidence, correct, seconds / len(rows)


def _figures(confidence: np.ndarray, correct: np.ndarray) -> tuple[float, float]:
    return float(correct.mean()), expected_error(confidence, correct)


def _selective(
    report: Report, confidence: np.ndarray, correct: np.ndarray, threshold: float
) -> None:
    """How often it is right on the share of which it is surest."""
    order = np.argsort(-confidence)
    rows: list[list[Any]] = [
        [f"{share:.0%} surest", share, float(correct[order[: int(share * len(order))]].mean())]
        for share in SHARES
    ]
    sure = confidence >= threshold
    rows.append(
        [f"is_confident (from {threshold:.2f})", float(sure.mean()), float(correct[sure].mean())]
    )
    report.table("Right where it is sure", ["questions", "share", "accuracy"], rows)


def _baseline(learned: Rows, asked: Rows) -> float:
    """What a scikit-learn tutorial would do; it gives no confidence."""
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    machine = LinearSVC(random_state=SEED)
    machine.fit(
        vectorizer.fit_transform([text for text, _intent in learned]),
        [intent for _text, intent in learned],
    )
    found = machine.predict(vectorizer.transform([text for text, _intent in asked]))
    return float(np.mean([intent == told for (_t, intent), told in zip(asked, found, strict=True)]))


def _embedder() -> Embed | None:
    """The product's own, which wants to know one setting."""
    if not settings.configured:
        root = Path(__file__).resolve().parents[1]
        settings.configure(MODELS_ROOT=root / "var" / "models")
    from controlplane.knowledge import embedding

    return embedding.embed if embedding.available() else None


def _split(rows: Rows) -> tuple[Rows, Rows]:
    part = folds([intent for _text, intent in rows], number=PARTS, seed=SEED)
    return (
        [row for row, number in zip(rows, part, strict=True) if number != 0],
        [row for row, number in zip(rows, part, strict=True) if number == 0],
    )


def _read(path: Path) -> Rows:
    with path.open(newline="", encoding="utf-8") as file:
        return [(row["text"], row["category"]) for row in csv.DictReader(file)]
