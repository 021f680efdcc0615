"""A source's life after it was set up: renamed, switched off and on, removed.

An event keeps its source for good, so a source that anything came in by stays as a row without a
secret, closed for ever: its address is not given to another.
"""

from django.db import transaction
from django.utils import timezone

from controlplane.audit.services import record
from controlplane.core.actor import Actor
from controlplane.core.errors import DomainError, FieldError
from controlplane.core.text import made_storable
from controlplane.events.kinds import INTERNAL, KindUnknown
from controlplane.events.models import ExceptionCase, Source


class SourceRemoved(DomainError):
    code = "source_removed"
    status = 409
    title = "The source was removed"


class NameMissing(DomainError):
    code = "source_name_missing"
    status = 422
    title = "A source has a name"


@transaction.atomic
def rename_source(*, source: Source, name: str, by: Actor) -> Source:
    """Its address stays. Raises NameMissing, SourceRemoved or KindUnknown."""
    source = held_source(source)
    name = made_storable(name).strip()[:120]
    if not name:
        raise NameMissing("Give the source a name.", errors=(FieldError("name", "is needed"),))
    source.name = name
    source.save(update_fields=["name", "updated_at"])
    note_source("source.renamed", source, by)
    return source


@transaction.atomic
def switch_source(*, source: Source, is_active: bool, by: Actor) -> Source:
    """Off: what is sent is refused (404) from now on, and what came in goes on. Or on again.

    Raises SourceRemoved or KindUnknown.
    """
    source = held_source(source)
    if source.is_active != is_active:
        source.is_active = is_active
        source.save(update_fields=["is_active", "updated_at"])
        note_source("source.switched_on" if is_active else "source.switched_off", source, by)
    return source


@transaction.atomic
def remove_source(*, source: Source, by: Actor) -> None:
    """For good, and its secrets with it. What came in by it stays, is delivered and can be read.

    One by which nothing ever came in leaves nothing behind, and its address is free again.
    Raises SourceRemoved or KindUnknown.
    """
    source = held_source(source)
    note_source("source.removed", source, by)
    is_used = source.events.exists() or ExceptionCase.objects.filter(source=source).exists()
    if not is_used:
        source.delete()
        return
    source.is_active, source.removed_at = False, timezone.now()
    source.secret = source.previous_secret = ""
    source.previous_secret_until = None
    source.save(
        update_fields=[
            "is_active", "removed_at", "secret", "previous_secret", "previous_secret_until",
            "updated_at",
        ]
    )  # fmt: skip


def assert_there(source: Source) -> None:
    """Raises SourceRemoved."""
    if source.removed_at is not None:
        raise SourceRemoved(
            f"“{source}” was removed on {source.removed_at:%Y-%m-%d}. Its events can be read; "
            "connect a new source for what is to come."
        )


def note_source(action: str, source: Source, by: Actor) -> None:
    """In the audit trail."""
    record(
        action=action,
        subject_type="source",
        subject_id=str(source.pk),
        data={"slug": source.slug, "kind": source.kind},
        by=by,
    )


def held_source(source: Source) -> Source:
    """Locked, and as it is now: a copy from before it was removed would put secrets back.

    Raises SourceRemoved, or KindUnknown for Pergola's own.
    """
    found = Source.objects.select_for_update().filter(pk=source.pk).first()
    if found is None:
        raise SourceRemoved(f"“{source}” is not there any more.")
    assert_there(found)
    if found.kind == INTERNAL:
        raise KindUnknown(
            f"“{found}” is where Pergola itself reports; it is not changed, switched or removed."
        )
    return found
