"""The model that sorts the entered tenant's tickets: its own, or the starter model until then.

Loaded once per process and file. A file that cannot be read costs no ticket its triage: the
starter model sorts meanwhile, and a new model is trained.
"""

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from controlplane.core.jobs import enqueue_on_commit
from controlplane.core.logs import get_logger
from controlplane.knowledge import embedding
from controlplane.support.models import TriageExample, TriageModel
from controlplane.support.starter import starter_model
from controlplane.support.triage.examples import (
    WORDS,
    WORDS_AND_MEANINGS,
    Embed,
    ModelUnreadable,
)
from tenants import files
from tenants.context import current_schema

if TYPE_CHECKING:
    from controlplane.support.triage.model import Triage

_MOST_LOADED = 16
# What a person corrected was looked at; it counts as three sentences of ours.
_WEIGHTS = {TriageExample.Origin.CORRECTION: 3.0}

log = get_logger(__name__)
_loading = threading.Lock()
_loaded: "OrderedDict[tuple[str, str], Triage]" = OrderedDict()


@dataclass(frozen=True)
class InUse:
    """`reference` names the model on tickets and in the audit trail."""

    triage: "Triage"
    reference: str


def model_in_use() -> InUse:
    """For the tenant that is entered; a model that cannot be read is trained anew."""
    own = TriageModel.objects.order_by("-number").first()
    if own is not None:
        try:
            return InUse(_own(own.sha256), f"model-{own.number}-{own.sha256[:12]}")
        except ModelUnreadable as error:
            log.warning("triage.model_unreadable", number=own.number, reason=str(error))
            enqueue_on_commit("support.train")
    triage, reference = starter_model(embedder())
    return InUse(triage, reference)


def is_readable(model: TriageModel) -> bool:
    """Asked of the file itself, whatever this process has loaded."""
    try:
        _read(model.sha256)
    except ModelUnreadable:
        return False
    return True


def forget_loaded() -> None:
    with _loading:
        _loaded.clear()


def embedder() -> Embed | None:
    """What makes sentences into vectors, where the embedding extra is installed."""
    return embedding.embed if embedding.available() else None


def features_of(embed: Embed | None) -> str:
    return WORDS_AND_MEANINGS if embed else WORDS


def weight_of(origin: str) -> float:
    return _WEIGHTS.get(TriageExample.Origin(origin), 1.0)


def _own(sha256: str) -> "Triage":
    key = (current_schema(), sha256)
    with _loading:
        if key not in _loaded:
            _loaded[key] = _read(sha256)
            while len(_loaded) > _MOST_LOADED:
                _loaded.popitem(last=False)
        _loaded.move_to_end(key)
        return _loaded[key]


def _read(sha256: str) -> "Triage":
    """Raises ModelUnreadable."""
    # scikit-learn takes a second to import, which nobody who sorts no ticket should wait for.
    from controlplane.support.triage.storage import load

    try:
        content = files.read_file(sha256)
    except (files.FileGone, OSError) as error:
        raise ModelUnreadable(f"its file cannot be read: {error}") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ModelUnreadable("its file was changed")
    return load(content, embed=embedder())
