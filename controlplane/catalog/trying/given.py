"""What a tenant has before a case begins, by the kinds that a case may name in `given`."""

import json
import time
from collections.abc import Callable
from typing import Any

from controlplane.core.actor import Actor, ActorKind
from controlplane.invoices import services as invoices
from controlplane.knowledge.models import Collection, DocumentVersion
from controlplane.knowledge.services.approval import approve_version
from controlplane.knowledge.services.collections import create_collection
from controlplane.knowledge.services.documents import add_document

Rows = list[dict[str, Any]]
COLLECTION = "cases"
READ_WITHIN = 60


def provide(given: dict[str, Rows], *, by: Actor) -> None:
    """In the tenant that is entered. Raises KeyError for a kind that nobody provides."""
    for kind, rows in given.items():
        PROVIDERS[kind](rows, by)


def _purchase_orders(rows: Rows, by: Actor) -> None:
    invoices.import_purchase_orders(content=json.dumps(rows).encode(), by=by)


def _goods_receipts(rows: Rows, by: Actor) -> None:
    invoices.import_goods_receipts(content=json.dumps(rows).encode(), by=by)


def _knowledge(rows: Rows, by: Actor) -> None:
    # Only a person approves what is searched: who wrote the case did so with it.
    curator = Actor(ActorKind.MEMBER, by.id, by.label, frozenset({"knowledge:approve"}))
    collection = Collection.objects.filter(slug=COLLECTION).first()
    if collection is None:
        collection = create_collection(slug=COLLECTION, name="Cases", by=by)
    for row in rows:
        version = add_document(
            collection=collection,
            title=row["title"],
            filename=f"{row['title'].lower()}.md",
            chunks=[row["text"].encode()],
            by=by,
        )
        deadline = time.monotonic() + READ_WITHIN
        while version.status == DocumentVersion.Status.READING and time.monotonic() < deadline:
            time.sleep(0.2)
            version.refresh_from_db()
        approve_version(version_id=version.pk, by=curator)


PROVIDERS: dict[str, Callable[[Rows, Actor], None]] = {
    "purchase_orders": _purchase_orders,
    "goods_receipts": _goods_receipts,
    "knowledge": _knowledge,
}
