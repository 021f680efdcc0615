"""Vectors of texts, by MiniLM where the embedding extra is installed. Nothing is downloaded.

One model per process, loaded at the first text. Without the extra `available()` is false, and
passages are found by their words alone.
"""

import importlib.util
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings

from controlplane.core.logs import get_logger
from controlplane.knowledge import minilm

_PARTS = ("onnx", "onnxruntime", "tokenizers")
# Beside other work on the machine; a question is one short text, and documents wait in a queue.
_THREADS = 2

log = get_logger(__name__)
_lock = threading.Lock()
_model: "_Model | None" = None
_is_broken = False


def available() -> bool:
    """Whether the model and what runs it are installed, and did not fail to load."""
    if _is_broken or minilm.model_folder() is None:
        return False
    return all(map(importlib.util.find_spec, _PARTS))


class NoModel(Exception):
    """There is no embedding model, or it cannot be loaded."""


def embed(texts: Sequence[str]) -> list[list[float]]:
    """A vector of length 1 for each text; what is beyond 256 tokens is not looked at.

    Raises NoModel. A model that cannot be loaded is logged, and from then on counts as not
    installed: documents are read and questions answered all the same.
    """
    model = _loaded()
    return [model.embed(text) for text in texts]


def embed_one(text: str) -> list[float] | None:
    """The vector of a question; None where there is no model."""
    try:
        return embed([text])[0]
    except NoModel:
        return None


def _loaded() -> "_Model":
    global _model, _is_broken
    with _lock:
        folder = minilm.model_folder()
        if folder is None or not available():
            raise NoModel
        if _model is None:
            try:
                graph = minilm.ensure_graph(folder, Path(settings.MODELS_ROOT))
                _model = _Model(graph, folder / "tokenizer.json")
            except Exception as error:  # whatever it is, words alone find enough to go on
                log.exception("embedding.unusable")
                _is_broken = True
                raise NoModel from error
        return _model


class _Model:
    """Session and tokenizer; both may be used by several threads at once."""

    def __init__(self, graph: Path, tokenizer: Path) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = _THREADS
        options.inter_op_num_threads = 1
        # Otherwise its threads keep a core busy while they wait for the next text.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session: Any = onnxruntime.InferenceSession(
            graph, options, providers=["CPUExecutionProvider"]
        )
        self._tokenizer: Any = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.enable_truncation(minilm.MOST_TOKENS)
        self._tokenizer.no_padding()

    def embed(self, text: str) -> list[float]:
        import numpy as np

        # One by one: in a batch they would share the scale of their eight bits, so that a vector
        # depended on its neighbours; and padding costs more than a batch saves.
        encoded = self._tokenizer.encode(text)
        given = {
            "ids": np.array([encoded.ids], np.int64),
            "mask": np.array([encoded.attention_mask], np.int64),
        }
        vector: list[float] = self._session.run(["embeddings"], given)[0][0].tolist()
        return vector
