"""Approving what may be searched, and taking it back."""

import uuid
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from controlplane.audit.services import record
from controlplane.core.actor import Actor, ActorKind
from controlplane.core.errors import DomainError
from controlplane.knowledge.models import Document, DocumentVersion
from controlplane.knowledge.services import indexing
from controlplane.knowledge.services.documents import get_document, get_version

APPROVE = "knowledge:approve"
"""The scope of a member whose role may say what is searched."""


class NotAnApprover(DomainError):
    code = "not_an_approver"
    status = 403
    title = "You may not approve knowledge"


class VersionNotReady(DomainError):
    code = "document_version_not_ready"
    status = 409
    title = "The version cannot be approved"


def approve_version(
    *, version_id: uuid.UUID, document_id: uuid.UUID | None = None, by: Actor
) -> DocumentVersion:
    """From now on this version is searched, and the one before it no longer is.

    With `document_id` it must be one of that document. Approved again, nothing changes. Raises
    VersionUnknown, NotAnApprover, VersionNotReady.
    """
    _assert_may_approve(by)
    document_id = get_version(version_id, document_id).document_id
    with transaction.atomic():
        Document.objects.select_for_update().get(pk=document_id)
        version = get_version(version_id)
        if version.status == version.Status.APPROVED:
            return version
        _assert_ready(version)
        now = timezone.now()
        former = version.document.approved_version
        if former is not None:
            _retire(former, now)
        version.status, version.approved_at = version.Status.APPROVED, now
        version.approved_by = by.label
        version.save(update_fields=["status", "approved_at", "approved_by", "updated_at"])
        indexing.replace_version(version, former)
        _note("document.approved", version.document, {"version": version.number}, by)
    return version


def retire_document(*, document_id: uuid.UUID, by: Actor) -> Document:
    """Nothing of it is found any more; answers that cited it still show what they cited.

    Retired again, nothing changes. Raises DocumentUnknown, NotAnApprover.
    """
    _assert_may_approve(by)
    get_document(document_id)
    with transaction.atomic():
        document = Document.objects.select_for_update().get(pk=document_id)
        if document.retired_at:
            return document
        now = timezone.now()
        former = document.approved_version
        for version in document.versions.exclude(status=DocumentVersion.Status.FAILED):
            _retire(version, now)
        document.retired_at = now
        document.save(update_fields=["retired_at", "updated_at"])
        if former is not None:
            indexing.withdraw_version(former)
        _note("document.retired", document, {}, by)
    return document


def _assert_may_approve(by: Actor) -> None:
    if by.kind is not ActorKind.MEMBER:
        raise NotAnApprover("What is searched is approved by a person in the portal.")
    if APPROVE not in by.scopes:
        raise NotAnApprover(
            "Your role may look at documents but not approve them. Ask a manager of your workspace."
        )


def _assert_ready(version: DocumentVersion) -> None:
    why = {
        version.Status.READING: "is still being read. Try again in a moment",
        version.Status.FAILED: "could not be read. Upload the file again",
        version.Status.RETIRED: "was retired. Upload it as a new version",
    }.get(DocumentVersion.Status(version.status))
    if why:
        raise VersionNotReady(f"Version {version.number} of “{version.document}” {why}.")


def _retire(version: DocumentVersion, now: datetime) -> None:
    version.status, version.retired_at = version.Status.RETIRED, now
    version.save(update_fields=["status", "retired_at", "updated_at"])


def _note(action: str, document: Document, data: dict[str, int], by: Actor) -> None:
    record(
        action=action,
        subject_type="document",
        subject_id=str(document.pk),
        data={"title": document.title, "collection": document.collection.slug, **data},
        by=by,
    )
