"""Collections: made, switched on and off."""

import uuid

from django.core.exceptions import ValidationError
from django.db import transaction

from controlplane.audit.services import record
from controlplane.core.actor import Actor
from controlplane.core.errors import DomainError, FieldError
from controlplane.knowledge.models import Collection


class CollectionUnknown(DomainError):
    code = "collection_unknown"
    status = 404
    title = "No such collection"


class CollectionExists(DomainError):
    code = "collection_exists"
    status = 409
    title = "There is such a collection already"


class CollectionUnusable(DomainError):
    code = "collection_unusable"
    status = 422
    title = "A collection cannot be made like this"


@transaction.atomic
def create_collection(*, slug: str, name: str, language: str = "en", by: Actor) -> Collection:
    """Raises CollectionExists, CollectionUnusable."""
    if Collection.objects.filter(slug=slug).exists():
        raise CollectionExists(
            f"This tenant has a collection “{slug}”. Add to it, or choose another short name.",
            errors=(FieldError("slug", "is taken"),),
        )
    collection = Collection(slug=slug, name=name, language=language)
    try:
        collection.full_clean()
    except ValidationError as error:
        raise CollectionUnusable(
            "Name, short name or language is not as it must be.",
            errors=tuple(
                FieldError(field, " ".join(messages))
                for field, messages in error.message_dict.items()
            ),
        ) from error
    collection.save()
    _note("collection.created", collection, {"language": language}, by)
    return collection


@transaction.atomic
def rename_collection(*, collection_id: uuid.UUID, name: str, by: Actor) -> Collection:
    """What people call it; its short name stays. Raises CollectionUnknown."""
    get_collection(collection_id)
    collection = Collection.objects.select_for_update().get(pk=collection_id)
    if collection.name != name:
        former, collection.name = collection.name, name
        collection.save()
        _note("collection.renamed", collection, {"former_name": former}, by)
    return collection


@transaction.atomic
def set_collection_active(*, collection_id: uuid.UUID, is_active: bool, by: Actor) -> Collection:
    """An inactive one keeps its documents; nothing in it is found. Raises CollectionUnknown."""
    get_collection(collection_id)
    collection = Collection.objects.select_for_update().get(pk=collection_id)
    if collection.is_active != is_active:
        collection.is_active = is_active
        collection.save()
        _note("collection.activated" if is_active else "collection.deactivated", collection, {}, by)
    return collection


def get_collection(which: uuid.UUID | str) -> Collection:
    """By id, or by slug. Raises CollectionUnknown."""
    wanted = {"pk": which} if isinstance(which, uuid.UUID) else {"slug": which}
    try:
        return Collection.objects.get(**wanted)
    except Collection.DoesNotExist:
        raise CollectionUnknown(
            f"This tenant has no collection “{which}”. Make it first, or choose one of those that "
            "there are.",
            errors=(FieldError("collection", "names no collection"),),
        ) from None


def _note(action: str, collection: Collection, data: dict[str, str], by: Actor) -> None:
    record(
        action=action,
        subject_type="collection",
        subject_id=str(collection.pk),
        data={"slug": collection.slug, "name": collection.name, **data},
        by=by,
    )
