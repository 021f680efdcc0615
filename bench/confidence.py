"""Fits and scores the confidence of answers: does the first passage hold the answer?

Each set is a list of topics with several ways to ask for each: StackFAQ (threads of Stack
Exchange), Banking77 and CLINC150 (intents; one utterance stands for the FAQ entry, others ask).
Half of the topics are taken out of the knowledge base, so half of the questions have no answer in
it. A question counts as answered where its own topic comes first. Coefficients are fitted on some
topics and scored on others; what is printed last is fitted on all and goes into
`controlplane/knowledge/answers/confidence.py`.
"""

import csv
import json
import math
import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from scipy.optimize import minimize
from sklearn.metrics import roc_auc_score

from bench.run import Report, need
from controlplane.knowledge.answers.confidence import Evidence, Features, Model, features_of
from controlplane.knowledge.answers.terms import terms_of

NAMES = [field.name for field in fields(Model) if field.name != "intercept"]
ROUNDS = 6
SHOWN = 50
_RRF = 60


class Topic:
    def __init__(self, heading: str, text: str, questions: list[str]) -> None:
        self.heading, self.text, self.questions = heading, text, questions


def run(data: Path, report: Report) -> dict[str, Any]:
    _tell_settings()
    sets = {
        "stackfaq": _stackfaq(need(data / "support/stackfaq/dev.json")),
        "banking77": _intents(_banking(need(data / "support/banking77/train.csv")), 8),
        "clinc150": _intents(_clinc(need(data / "support/clinc150/train_val.json")), 8),
    }
    figures: dict[str, Any] = {}
    for is_dense in (True, False):
        rows = {name: _rows(topics, is_dense, report) for name, topics in sets.items()}
        held_back = _score(rows, is_dense, report)
        every = [row for part in rows.values() for row in part]
        weights = _fit(every, is_dense)
        report.say(f"\nfitted on everything, dense={is_dense}: intercept {weights[0]:.3f}")
        report.say(
            str({name: round(float(w), 3) for name, w in zip(NAMES, weights[1:], strict=True)})
        )
        kind = "dense" if is_dense else "words"
        figures |= {f"{kind}_{key}": value for key, value in held_back.items()}
    return figures


def _tell_settings() -> None:
    """The embedding model wants to know one."""
    if not settings.configured:
        settings.configure(MODELS_ROOT=Path(__file__).resolve().parents[1] / "var" / "models")


def _stackfaq(path: Path) -> list[Topic]:
    threads = json.loads(path.read_text())
    return [
        Topic(
            thread["question"],
            "\n".join(thread["answer"]),
            [asked for asked in thread["rephr"] if len(asked) > 3],
        )
        for thread in threads
    ]


def _banking(path: Path) -> dict[str, list[str]]:
    by_intent = defaultdict(list)
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            by_intent[row["category"]].append(row["text"])
    return by_intent


def _clinc(path: Path) -> dict[str, list[str]]:
    by_intent = defaultdict(list)
    for text, intent in json.loads(path.read_text())["val"]:
        by_intent[intent].append(text)
    return by_intent


def _intents(by_intent: dict[str, list[str]], asked: int) -> list[Topic]:
    """A few utterances stand for the entry, as an FAQ lists ways to ask; others ask."""
    chance = random.Random(7)
    topics = []
    for _intent, texts in sorted(by_intent.items()):
        chosen = chance.sample(texts, min(len(texts), asked + 3))
        topics.append(Topic(chosen[0], " ".join(chosen[1:3]), chosen[3:]))
    return topics


class Base:
    """A knowledge base in memory: BM25 as in PostgreSQL, MiniLM, fused by reciprocal ranks."""

    def __init__(self, topics: Sequence[Topic], vectors: np.ndarray | None) -> None:
        self.topics, self.vectors = topics, vectors
        self.terms = [Counter(terms_of(f"{t.heading} {t.heading} {t.text}")) for t in topics]
        self.lengths = [sum(terms.values()) for terms in self.terms]
        self.held = Counter(term for terms in self.terms for term in terms)

    def search(self, question: str, vector: np.ndarray | None) -> list[Evidence]:
        scores = self._bm25(question)
        by_words = [place for place in np.argsort(-scores, kind="stable") if scores[place] > 0]
        near = self.vectors @ vector if vector is not None and self.vectors is not None else None
        by_meaning = list(np.argsort(-near, kind="stable")) if near is not None else []
        words = {place: rank for rank, place in enumerate(by_words[:SHOWN], 1)}
        meaning = {place: rank for rank, place in enumerate(by_meaning[:SHOWN], 1)}
        fused = {
            place: sum(1 / (_RRF + ranks[place]) for ranks in (words, meaning) if place in ranks)
            for place in words.keys() | meaning.keys()
        }
        return [
            Evidence(
                source=int(place),
                heading=self.topics[place].heading,
                text=self.topics[place].text,
                keyword_rank=words.get(place),
                dense_rank=meaning.get(place),
                keyword_score=float(scores[place]) if place in words else None,
                similarity=float(near[place]) if near is not None else None,
            )
            for place in sorted(fused, key=lambda place: (-fused[place], place))[:SHOWN]
        ]

    def _bm25(self, question: str, k1: float = 0.9, b: float = 0.4) -> np.ndarray:
        scores = np.zeros(len(self.topics))
        average = sum(self.lengths) / max(1, len(self.lengths))
        for term in set(terms_of(question)):
            if not (held := self.held.get(term)):
                continue
            idf = math.log(1 + (len(self.topics) - held + 0.5) / (held + 0.5))
            for place, terms in enumerate(self.terms):
                if count := terms.get(term):
                    norm = k1 * (1 - b + b * self.lengths[place] / average)
                    scores[place] += idf * count * (k1 + 1) / (count + norm)
        return scores


Row = tuple[int, Features, bool]
"""The topic asked about, what was seen, and whether the right topic came first."""


def _rows(topics: list[Topic], is_dense: bool, report: Report) -> list[Row]:
    from controlplane.knowledge.embedding import embed

    stored = np.array(embed([f"{t.heading}\n{t.text}" for t in topics])) if is_dense else None
    asked = [(place, text) for place, topic in enumerate(topics) for text in topic.questions]
    vectors = np.array(embed([text for _place, text in asked])) if is_dense else None
    rows = []
    for seed in range(ROUNDS):
        chance = random.Random(seed)
        kept = sorted(chance.sample(range(len(topics)), len(topics) // 2))
        base = Base([topics[place] for place in kept], stored[kept] if stored is not None else None)
        for number, (place, text) in enumerate(asked):
            found = base.search(text, vectors[number] if vectors is not None else None)
            is_right = bool(found) and kept[int(str(found[0].source))] == place
            features = features_of(text, found)
            rows.append((place, features, is_right))
            report.row(dense=is_dense, seed=seed, topic=place, question=text, right=is_right,
                       **{name: getattr(features, name) for name in NAMES})  # fmt: skip
    return rows


def _fit(rows: Sequence[Row], is_dense: bool) -> np.ndarray:
    """Maximum likelihood with a little ridge; no coefficient below 0, so that it is monotone."""
    x = np.array([[1.0, *(getattr(seen, name) for name in NAMES)] for _topic, seen, _right in rows])
    y = np.array([float(right) for _topic, _features, right in rows])

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        z = x @ w
        p = 1 / (1 + np.exp(-z))
        ridge = 1e-3 * np.concatenate([[0], w[1:]])
        return float(np.mean(np.logaddexp(0, z) - y * z) + 0.5e-3 * w[1:] @ w[1:]), (
            x.T @ (p - y) / len(y) + ridge
        )

    unseen = set() if is_dense else {"similarity"}
    bounds = [(None, None), *((0, 0) if name in unseen else (0, None) for name in NAMES)]
    return np.asarray(minimize(loss, np.zeros(x.shape[1]), jac=True, bounds=bounds).x)


def _score(rows: dict[str, list[Row]], is_dense: bool, report: Report) -> dict[str, float]:
    """Two halves of each set's topics; fitted on one half of all sets, scored on the other."""
    told: dict[str, list[tuple[float, bool]]] = {name: [] for name in rows}
    for half in (0, 1):
        fitted = [row for part in rows.values() for row in part if row[0] % 2 == half]
        weights = _fit(fitted, is_dense)
        for name, part in rows.items():
            for topic, features, right in part:
                if topic % 2 != half:
                    model = Model(**dict(zip(("intercept", *NAMES), weights, strict=True)))
                    told[name].append((model.confidence(features), right))
    told["all"] = [pair for pairs in list(told.values()) for pair in pairs]
    table = []
    for name, pairs in told.items():
        p, y = np.array([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs])
        table.append([name, len(y), float(y.mean()), float(roc_auc_score(y, p)), _ece(p, y),
                      *_above(p, y, 0.85), *_above(p, y, 0.4)])  # fmt: skip
    report.table(
        f"confidence on topics not fitted on, {'words and meaning' if is_dense else 'words only'}",
        [
            "set",
            "questions",
            "right",
            "AUROC",
            "ECE",
            "share>85",
            "right>85",
            "share>40",
            "right>40",
        ],
        table,
    )
    return {f"{row[0]}_{key}": round(row[at], 4) for row in table
            for key, at in (("auroc", 3), ("ece", 4))}  # fmt: skip


def _above(p: np.ndarray, y: np.ndarray, least: float) -> tuple[float, float]:
    chosen = p >= least
    return float(chosen.mean()), float(y[chosen].mean()) if chosen.any() else float("nan")


def _ece(p: np.ndarray, y: np.ndarray, bins: int = 15) -> float:
    edges = np.minimum((p * bins).astype(int), bins - 1)
    return float(
        sum(abs(p[edges == i].mean() - y[edges == i].mean()) * np.mean(edges == i)
            for i in range(bins) if (edges == i).any())
    )  # fmt: skip
