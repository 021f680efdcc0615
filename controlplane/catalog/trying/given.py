"""What a tenant has before a case begins, by the kinds that a case may name in `given`."""

import json
import time
from collections.abc import Callable
from typing import Any

from controlplane.catalog.manifest import Manifest
from controlplane.connections.services import get_connection, stand_in
from controlplane.core.actor import Actor, ActorKind
from controlplane.core.models import new_id
from controlplane.events.models import Source
from controlplane.events.services import publish
from controlplane.invoices import services as invoices
from controlplane.knowledge.models import Collection, DocumentVersion
from controlplane.knowledge.services.approval import approve_version
from controlplane.knowledge.services.collections import create_collection
from controlplane.knowledge.services.documents import add_document
from controlplane.orders.services import record_outcome, review_order

Rows = list[dict[str, Any]]
SOURCE = "cases"
COLLECTION = "cases"
READ_WITHIN = 60


def provide(given: dict[str, Rows], *, by: Actor) -> None:
    """In the tenant that is entered. Raises KeyError for a kind that nobody provides."""
    for kind, rows in given.items():
        PROVIDERS[kind](rows, by)


def named(manifest: Manifest, parameters: dict[str, Any]) -> dict[str, Any]:
    """A case names a connection as it gives it; an installation keeps its id."""
    return {
        name: str(get_connection(value).pk) if name in _connection_names(manifest) else value
        for name, value in parameters.items()
    }


def _connection_names(manifest: Manifest) -> set[str]:
    return {spec.name for spec in manifest.parameters if spec.type == "connection"}


def case_source() -> Source:
    """Where the events of cases come from."""
    return Source.objects.get_or_create(slug=SOURCE, defaults={"name": "Cases"})[0]


def _orders(rows: Rows, by: Actor) -> None:
    """Orders as a shop sends them, judged and accepted before the case begins."""
    for row in rows:
        event = publish(
            type="order.created",
            subject=str(row.get("name") or ""),
            body=row,
            # Another case may give the same order otherwise; the same one again is known by itself.
            external_id=f"given-{new_id()}",
            source=case_source(),
            by=by,
        ).event
        order = review_order(event_id=event.pk, by=by).order
        record_outcome(order_id=order.pk, outcome="accepted", note="", by=by)


def _connections(rows: Rows, by: Actor) -> None:
    """Stand-ins of these names: for an HTTP API with `answers`, else for a mail server."""
    for row in rows:
        is_http = "answers" in row
        stand_in(
            name=row["name"],
            kind="stand_in" if is_http else "stand_in_mail",
            values={"answers": json.dumps(row["answers"])} if is_http else {},
            by=by,
        )


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
    "orders": _orders,
    "connections": _connections,
}
