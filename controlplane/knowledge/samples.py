"""A synthetic document for a sandbox: read like any other, it waits for somebody's approval."""

from controlplane.core.actor import Actor
from controlplane.knowledge.models import Collection
from controlplane.knowledge.services.collections import create_collection
from controlplane.knowledge.services.documents import add_document

COLLECTION = "samples"
_TEXT = """# Returns and invoices (sample)

## How long can goods be returned?

Unused goods can be returned within 30 days after delivery.

## Where is a copy of an invoice?

Every invoice can be downloaded in the customer account under “Orders”.
"""


def add_sample_documents(by: Actor) -> None:
    collection = Collection.objects.filter(slug=COLLECTION).first()
    if collection is None:
        collection = create_collection(slug=COLLECTION, name="Samples", by=by)
    add_document(
        collection=collection,
        chunks=[_TEXT.encode()],
        filename="returns-and-invoices.md",
        title="Returns and invoices (sample)",
        tags=["synthetic"],
        by=by,
    )
