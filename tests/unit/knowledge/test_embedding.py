"""MiniLM without PyTorch: built once, the same everywhere, and never asked for where absent."""

import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from controlplane.knowledge import embedding, minilm

FOLDER = minilm.model_folder()
assert FOLDER is not None, "the embedding extra is installed where tests run"


def similarity(one: str, other: str) -> float:
    vectors = embedding.embed([one, other])
    return float(np.dot(vectors[0], vectors[1]))


def test_vectors_have_length_one_and_the_models_dimensions() -> None:
    (vector,) = embedding.embed(["How do I reset my password?"])

    assert len(vector) == minilm.DIMENSIONS
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


def test_like_meanings_are_near_and_unlike_ones_far() -> None:
    assert similarity("I forgot my password", "How can I reset my log-in credentials?") > 0.4
    assert similarity("I forgot my password", "The parcel weighs two kilograms") < 0.2


def test_a_vector_does_not_depend_on_what_is_embedded_beside_it() -> None:
    alone = embedding.embed(["short"])[0]
    beside = embedding.embed(["a much longer text " * 50, "short"])[1]

    assert alone == beside


def test_what_is_beyond_the_models_length_is_not_looked_at() -> None:
    long = "word " * 300

    assert embedding.embed([long]) == embedding.embed([long + "something else entirely"])


@pytest.mark.parametrize("text", ["", " ", "\n", "🙂", "漢字"])
def test_odd_texts_have_vectors_too(text: str) -> None:
    assert np.isfinite(embedding.embed([text])[0]).all()


def test_nothing_gives_nothing() -> None:
    assert embedding.embed([]) == []


def test_threads_share_one_model() -> None:
    texts = [f"question number {number}" for number in range(24)]
    expected = embedding.embed(texts)

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda text: embedding.embed([text])[0], texts))

    assert found == expected


def test_without_the_extra_nothing_is_embedded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, "PACKAGE", "a_package_that_is_not_installed")

    assert not embedding.available()
    assert embedding.embed_one("question") is None


def test_without_the_runtime_nothing_is_embedded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedding, "_PARTS", ("onnxruntime_that_is_not_installed",))

    assert not embedding.available()


def test_a_model_that_cannot_be_loaded_counts_as_not_installed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: Any
) -> None:
    settings.MODELS_ROOT = tmp_path
    monkeypatch.setattr(embedding, "_model", None)
    monkeypatch.setattr(embedding, "_is_broken", False)
    monkeypatch.setattr(minilm, "WEIGHTS_SHA256", "0" * 64)

    assert embedding.embed_one("question") is None
    assert not embedding.available()


def test_other_weights_are_refused_and_leave_nothing_behind(tmp_path: Path) -> None:
    folder, root = tmp_path / "model", tmp_path / "models"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"\x08\x00\x00\x00\x00\x00\x00\x00{}      ")

    with pytest.raises(minilm.WeightsWrong, match="SHA-256"):
        minilm.ensure_graph(folder, root)

    assert [path.name for path in root.iterdir()] == ["building.lock"]


def test_eight_bits_say_nearly_what_the_whole_graph_says(tmp_path: Path) -> None:
    assert FOLDER is not None
    whole = tmp_path / "whole.onnx"
    raw = (FOLDER / "model.safetensors").read_bytes()
    minilm.write_graph(minilm.read_tensors(raw), whole)
    exact = embedding._Model(whole, FOLDER / "tokenizer.json")
    texts = ["How do I reset my password?", "Refunds are paid within five working days."]

    cosines = np.array([np.dot(exact.embed(text), embedding.embed([text])[0]) for text in texts])

    assert cosines.min() > 0.97


def test_two_processes_at_once_build_one_file(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [
        context.Process(target=minilm.ensure_graph, args=(FOLDER, tmp_path)) for _worker in range(2)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=120)

    assert [worker.exitcode for worker in workers] == [0, 0]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "building.lock", minilm.graph_file(tmp_path).name,
    ]  # fmt: skip
