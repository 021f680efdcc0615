"""A question that was tried, and how the portal's pages about tickets and knowledge are called.

The rows themselves are those of `knowledge` and `support`.
"""

from controlplane.knowledge.answers.services import answer_question
from controlplane.knowledge.answers.subjects import Question
from tests.factories.knowledge import GRACE
from tests.factories.world import Part, Upload

COPY = Upload("file", "terms.md", b"# Terms\n\nWithin 14 days.", "text/markdown")
QUESTION = "Who knows where the quince jam is kept?"


def part(url: str) -> Part:
    answer = answer_question(question=Question(QUESTION), by=GRACE)
    documents = "knowledge/documents/<uuid:document_id>/"
    return Part(
        rows={"answer_id": answer.pk, "key": "set-password", "token": "invited"},
        bodies={
            "support/": {
                "name": "Kaja", "email": "kaja@example.com", "subject": "Lamp", "message": "Dark.",
            },
            "tickets/new/": {
                "requester_email": "kaja@example.com", "subject": "Lamp", "body": "It is dark.",
            },
            "tickets/<uuid:ticket_id>/triage/": {
                "intent": "complaint", "urgency": "high", "language": "en",
            },
            "knowledge/try/": {"question": "Where is it?"},
            "knowledge/collections/": {"name": "More", "language": "en"},
            "knowledge/collections/<uuid:collection_id>/": {"active": "no"},
            "knowledge/documents/new/": {"collection": "{collection_id}", "title": "Terms"},
            f"{documents}retire/": {"sure": "yes"},
        },
        uploads={"knowledge/documents/new/": COPY, f"{documents}versions/": COPY},
        secrets={"quince"},
    )  # fmt: skip
