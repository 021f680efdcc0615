"""A document that is searched, with a new version that waits; and one more collection."""

from controlplane.knowledge.answers.services import answer_question
from controlplane.knowledge.answers.subjects import Question
from controlplane.knowledge.models import Chunk, DocumentVersion
from controlplane.knowledge.services.approval import approve_version
from controlplane.knowledge.services.documents import add_document, add_version
from tests.factories.knowledge import GRACE, make_collection
from tests.factories.world import Part, Upload

TEXT = "Marzipan is kept in the vault."


def part(url: str) -> Part:
    collection, spare = make_collection("pantry"), make_collection("spare")
    first = add_document(
        collection=collection, chunks=[TEXT.encode()], filename="pantry.txt", by=GRACE
    )
    approve_version(version_id=read_here(first, TEXT).pk, by=GRACE)
    second = add_version(
        document_id=first.document_id, chunks=[b"Marzipan is gone."], filename="b.txt", by=GRACE
    )
    read_here(second, "Marzipan is gone.")
    answer = answer_question(question=Question("Where is it kept?"), subject=None, by=GRACE)
    file = Upload("file", "more.txt", b"More marzipan.", "text/plain")
    document = "api/v1/knowledge/documents/<uuid:document_id>"
    return Part(
        rows={
            "collection": spare.pk, "collection_id": spare.pk, "document_id": first.document_id,
            "draft_version": second.pk, "version_id": second.pk,
            "number": second.number, "answer_id": answer.pk,
        },
        bodies={
            "api/v1/knowledge/collections": {"slug": "third", "name": "Third"},
            "api/v1/knowledge/documents": {"collection": "pantry"},
            f"{document}/approve": {"version_id": "{draft_version}"},
        },
        uploads={"api/v1/knowledge/documents": file, f"{document}/versions": file},
        inputs={
            "knowledge.search": {"question": "Where is it kept?"},
            "knowledge.answer": {"question": "Where is it kept?"},
        },
        documents={"knowledge.add_document": file},
        secrets={"Marzipan", "marzipan", "pantry"},
    )  # fmt: skip


def read_here(version: DocumentVersion, text: str) -> DocumentVersion:
    """As the limited process would read it, which takes a second; the matrix makes many worlds."""
    Chunk.objects.create(
        version=version, position=1, start=0, end=len(text), text=text, length=len(text.split())
    )
    version.text, version.status = text, version.Status.DRAFT
    version.save()
    return version
