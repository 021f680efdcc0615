"""What a new tenant sorts with: our own examples, and one model of them for the whole machine.

The examples become rows of the tenant's, to edit and to learn from. The model is trained once per
machine and kept beside the other models, so that a new tenant costs one INSERT and no training.
"""

import csv
import fcntl
import os
import tempfile
import threading
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings

from controlplane.core.actor import Actor
from controlplane.core.logs import get_logger
from controlplane.support.models import TriageExample
from controlplane.support.triage.examples import (
    WORDS,
    WORDS_AND_MEANINGS,
    Embed,
    Example,
    ModelUnreadable,
    fingerprint_of,
)
from tenants.context import inside
from tenants.models import Tenant

if TYPE_CHECKING:
    from controlplane.support.triage.model import Triage

FILE = Path(__file__).with_name("starter.csv")

log = get_logger(__name__)
_training = threading.Lock()
_ready: "dict[str, Triage]" = {}


@cache
def starter_examples() -> tuple[Example, ...]:
    with FILE.open(newline="", encoding="utf-8") as file:
        return tuple(
            Example(row["text"], row["intent"], row["urgency"], row["language"])
            for row in csv.DictReader(file)
        )


def starter_contents() -> list[list[str]]:
    """The same as plain JSON: another one is another start for new tenants."""
    return [[e.text, e.intent, e.urgency, e.language] for e in starter_examples()]


def seed_examples(tenant: Tenant, by: Actor) -> None:
    """A provisioning step: once; a tenant that has examples keeps those it has."""
    with inside(tenant):
        seed_here()


def seed_here() -> None:
    """For the tenant that is entered."""
    if TriageExample.objects.filter(origin=TriageExample.Origin.STARTER).exists():
        return
    TriageExample.objects.bulk_create(
        TriageExample(
            text=example.text,
            intent=example.intent,
            urgency=example.urgency,
            language=example.language,
            origin=TriageExample.Origin.STARTER,
        )
        for example in starter_examples()
    )


def starter_model(embed: Embed | None) -> "tuple[Triage, str]":
    """The model of the starter examples and its name; trained where this machine has none yet."""
    features = WORDS_AND_MEANINGS if embed else WORDS
    fingerprint = fingerprint_of(starter_examples(), features=features)[:16]
    with _training:
        if fingerprint not in _ready:
            _ready[fingerprint] = _made(fingerprint, embed)
        return _ready[fingerprint], f"starter-{fingerprint}"


def _made(fingerprint: str, embed: Embed | None) -> "Triage":
    # scikit-learn takes a second to import, which nobody who sorts no ticket should wait for.
    from controlplane.support.triage.training import train

    folder = Path(settings.MODELS_ROOT)
    place = folder / f"triage-starter-{fingerprint}.skops"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f"{place.name}.lock").open("w") as lock:
            # Of several processes that start at once one trains, and the others read.
            fcntl.flock(lock, fcntl.LOCK_EX)
            return _read(place, embed) or _trained(place, embed)
    except OSError:
        # A folder that cannot be written to costs each process its own training.
        log.exception("triage.starter_not_kept", folder=str(folder))
        return train(starter_examples(), embed=embed).model


def _read(place: Path, embed: Embed | None) -> "Triage | None":
    from controlplane.support.triage.storage import load

    if not place.is_file():
        return None
    try:
        return load(place.read_bytes(), embed=embed)
    except ModelUnreadable as error:
        log.warning("triage.starter_unreadable", reason=str(error))
        return None


def _trained(place: Path, embed: Embed | None) -> "Triage":
    from controlplane.support.triage.storage import dump
    from controlplane.support.triage.training import train

    made = train(starter_examples(), embed=embed)
    handle, draft = tempfile.mkstemp(dir=place.parent, prefix="triage-")
    with os.fdopen(handle, "wb") as file:
        file.write(dump(made.model))
    Path(draft).replace(place)
    log.info("triage.starter_trained", accuracy=made.accuracy, ece=made.ece)
    return made.model
