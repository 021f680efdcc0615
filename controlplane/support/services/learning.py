"""Examples come in, and the tenant gets a model of its own when enough of them are new."""

import csv
import io
import time
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Count

from controlplane.audit.services import record
from controlplane.core.actor import Actor
from controlplane.core.errors import DomainError, FieldError
from controlplane.core.jobs import enqueue_on_commit
from controlplane.core.locks import alone
from controlplane.core.logs import get_logger
from controlplane.core.text import made_storable
from controlplane.support import model_in_use as in_use
from controlplane.support.models import TriageExample, TriageModel, Urgency
from controlplane.support.starter import seed_here
from controlplane.support.triage.examples import Example, fingerprint_of
from tenants import files
from tenants.context import current_schema

ENOUGH_NEW = 5
"""So many corrections since the last training start the next one by themselves."""

MOST_EXAMPLES = 50_000
MOST_MODEL_BYTES = 200 * 1024 * 1024
KEPT_MODELS = 5

log = get_logger(__name__)


class ExamplesUnreadable(DomainError):
    code = "examples_unreadable"
    status = 422
    title = "The examples cannot be read"


class NothingToLearn(DomainError):
    code = "nothing_to_learn"
    status = 409
    title = "There are too few examples to learn from"


@dataclass(frozen=True)
class Imported:
    """How many rows became examples, and how many were there already."""

    added: int
    known: int


@transaction.atomic
def import_examples(*, text: str, by: Actor, replace_starter: bool = False) -> Imported:
    """Examples as CSV with the columns text and intent, and urgency and language where known.

    With `replace_starter` the sentences that come with Pergola go, for a tenant with intents of
    its own. All or none: raises ExamplesUnreadable with every line at fault. Starts a training.
    """
    rows = _read(text)
    if replace_starter:
        TriageExample.objects.filter(origin=TriageExample.Origin.STARTER).delete()
    known = set(TriageExample.objects.values_list("text", "intent"))
    new = {(row.text, row.intent): row for row in rows}
    added = [example for key, example in new.items() if key not in known]
    TriageExample.objects.bulk_create(added, batch_size=1000)
    if added:
        request_training()
    record(
        action="triage.imported",
        subject_type="triage",
        subject_id=current_schema(),
        data={
            "added": len(added),
            "known": len(rows) - len(added),
            "replaced_starter": replace_starter,
        },
        by=by,
    )
    return Imported(added=len(added), known=len(rows) - len(added))


@transaction.atomic
def keep_example(*, example: TriageExample, by: Actor) -> TriageExample:
    """A sentence written or changed by hand; the next training learns it."""
    example.save()
    _note_example("triage.example_kept", example, by)
    return example


@transaction.atomic
def delete_example(*, example: TriageExample, by: Actor) -> None:
    """The next training goes without it; a model that learned it keeps it until then."""
    _note_example("triage.example_deleted", example, by)
    example.delete()


def train_when_enough_is_new() -> None:
    """Asked in the transaction of a correction. The task itself trains once for all of them."""
    model = current_model()
    corrections = TriageExample.objects.filter(origin=TriageExample.Origin.CORRECTION)
    newer = corrections.filter(updated_at__gt=model.trained_at) if model else corrections
    if newer.count() >= ENOUGH_NEW:
        request_training()


def request_training() -> None:
    """A new model soon, in the background."""
    enqueue_on_commit("support.train")


def current_model() -> TriageModel | None:
    """The newest of the tenant's own; None while the starter model is used."""
    return TriageModel.objects.order_by("-number").first()


def train_model(*, by: Actor) -> TriageModel:
    """Make a model of all examples; the same examples again give the model that there is.

    In no transaction, since it may take minutes. Raises NothingToLearn.
    """
    # scikit-learn takes a second to import, which nobody who trains nothing should wait for.
    from controlplane.support.triage.storage import dump
    from controlplane.support.triage.training import train

    with alone("support.train", current_schema()):
        examples = _examples()
        embedder = in_use.embedder()
        fingerprint = fingerprint_of(examples, features=in_use.features_of(embedder))
        current = current_model()
        if current and current.fingerprint == fingerprint and in_use.is_readable(current):
            return current
        _assert_enough(examples)
        if current and not in_use.is_readable(current):
            files.delete(current.sha256)
        began = time.monotonic()
        trained = train(examples, embed=embedder)
        stored = files.store(iter([dump(trained.model)]), limit=MOST_MODEL_BYTES)
        with transaction.atomic():
            model = TriageModel.objects.create(
                number=current.number + 1 if current else 1,
                sha256=stored.sha256,
                fingerprint=fingerprint,
                seconds=round(time.monotonic() - began, 3),
                examples=len(examples),
                corrections=sum(example.weight > 1 for example in examples),
                accuracy=trained.accuracy,
                ece=trained.ece,
                threshold=trained.model.threshold,
                features=trained.model.features,
            )
            record(
                action="triage.trained",
                subject_type="triage",
                subject_id=str(model.pk),
                data={
                    "number": model.number,
                    "sha256": model.sha256,
                    "examples": model.examples,
                    "accuracy": f"{model.accuracy:.4f}",
                    "ece": f"{model.ece:.4f}",
                },
                by=by,
            )
        _forget_old_files()
    log.info("triage.trained", number=model.number, examples=model.examples, seconds=model.seconds)
    return model


def _examples() -> list[Example]:
    """The newest, in one order, so that the same examples always make the same model."""
    if not TriageExample.objects.exclude(origin=TriageExample.Origin.CORRECTION).exists():
        # A tenant older than support has corrections only, and those alone make no model.
        seed_here()
    newest = list(TriageExample.objects.order_by("-created_at", "-id")[:MOST_EXAMPLES])
    return [
        Example(
            text=row.text,
            intent=row.intent,
            urgency=row.urgency,
            language=row.language,
            weight=in_use.weight_of(row.origin),
        )
        for row in reversed(newest)
    ]


def _assert_enough(examples: list[Example]) -> None:
    intents = TriageExample.objects.values("intent").annotate(number=Count("id"))
    if sum(row["number"] >= 2 for row in intents) < 2:
        raise NothingToLearn(
            f"There are {len(examples)} examples, but a model needs two of each of at least two "
            "intents. Import examples, or correct more tickets."
        )


def _note_example(action: str, example: TriageExample, by: Actor) -> None:
    record(
        action=action,
        subject_type="triage",
        subject_id=str(example.pk),
        data={"intent": example.intent, "urgency": example.urgency, "origin": example.origin},
        by=by,
    )


def _forget_old_files() -> None:
    """The rows stay, as tickets name them; the files of all but the newest few go."""
    kept = set(
        TriageModel.objects.order_by("-number").values_list("sha256", flat=True)[:KEPT_MODELS]
    )
    for sha256 in set(TriageModel.objects.values_list("sha256", flat=True)) - kept:
        files.delete(sha256)


def _read(text: str) -> list[TriageExample]:
    reader = csv.DictReader(io.StringIO(made_storable(text).lstrip("\ufeff")))
    columns = set(reader.fieldnames or ())
    if not {"text", "intent"} <= columns:
        raise ExamplesUnreadable(
            "The first line has to name the columns: text,intent and, where known, urgency and "
            f"language. It names: {', '.join(sorted(map(str, columns))) or 'nothing'}."
        )
    errors: list[FieldError] = []
    found: list[TriageExample] = []
    for line, row in enumerate(reader, start=2):
        sentence, intent = (row["text"] or "").strip(), (row["intent"] or "").strip()
        urgency = (row.get("urgency") or "").strip().lower()
        if not sentence or not intent:
            errors.append(FieldError(f"line {line}", "lacks its text or its intent"))
        elif len(intent) > 60:
            errors.append(FieldError(f"line {line}", "has an intent of more than 60 characters"))
        elif urgency and urgency not in Urgency.values:
            errors.append(
                FieldError(f"line {line}", f"has no urgency of {', '.join(Urgency.values)}")
            )
        else:
            found.append(
                TriageExample(
                    text=sentence,
                    intent=intent,
                    urgency=urgency,
                    language=(row.get("language") or "").strip().lower()[:2],
                    origin=TriageExample.Origin.IMPORT,
                )
            )
    if len(found) > MOST_EXAMPLES:
        errors.append(FieldError("file", f"has more than {MOST_EXAMPLES} examples"))
    if errors:
        told = "; ".join(f"{error.field} {error.message}" for error in errors[:5])
        raise ExamplesUnreadable(f"Nothing was imported: {told}.", errors=tuple(errors[:50]))
    return found
