"""How long answers and withdrawn documents are kept."""

from django.utils.translation import gettext_lazy as _

from controlplane.approvals.retention import keep_while_open, without_open_approvals
from controlplane.knowledge.models import Answer, Document
from controlplane.policies.retention import keep_decisions_of
from tenants.retention.classes import DataClass, RowStore, hold_back, register_class


def register() -> None:
    register_class(
        DataClass(
            "answers",
            _("Answers"),
            _("Questions, what was found, and what was drafted, with the model's prompt."),
            [RowStore(Answer, "created_at")],
        )
    )
    register_class(
        DataClass(
            "documents",
            _("Withdrawn documents"),
            _("Documents of the knowledge base, counted from the day they were withdrawn."),
            # A document that is in use was never withdrawn, so it has no age.
            [RowStore(Document, "retired_at")],
        )
    )
    keep_while_open(Answer)
    hold_back(Answer, lambda rows: without_open_approvals(rows, "subject_id"))
    keep_decisions_of(Answer)
