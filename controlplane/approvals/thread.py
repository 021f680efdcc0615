"""What is said and shown beside an approval: comments and files, also after it has ended."""

import uuid
from collections.abc import Iterable
from pathlib import PurePosixPath

from django.db import transaction

from controlplane.approvals.electorate import assert_takes_part
from controlplane.approvals.models import Approval, Attachment, Comment
from controlplane.approvals.services.ending import record_step
from controlplane.approvals.services.lookup import get_approval
from controlplane.core.actor import Actor
from controlplane.core.errors import DomainError, FieldError
from controlplane.core.text import made_storable
from tenants import files

LONGEST_COMMENT = 4000
MOST_COMMENTS, MOST_ATTACHMENTS = 500, 20
LARGEST = 10 * 1024 * 1024
TYPES = {
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".txt": "text/plain",
    ".csv": "text/csv",
    ".xml": "application/xml",
    ".eml": "message/rfc822",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
"""By the ending of the name: what is taken, and as what it is given out, only as a download."""
_BEGINS = {
    ".pdf": b"%PDF-",
    ".png": b"\x89PNG\r\n\x1a\n",
    ".jpg": b"\xff\xd8\xff",
    ".jpeg": b"\xff\xd8\xff",
    ".docx": b"PK\x03\x04",
    ".xlsx": b"PK\x03\x04",
}


class CommentInvalid(DomainError):
    code = "comment_invalid"
    status = 422
    title = "The comment cannot be kept"


class AttachmentRefused(DomainError):
    code = "attachment_refused"
    status = 422
    title = "The file is not taken"


class AttachmentUnknown(DomainError):
    code = "attachment_unknown"
    status = 404
    title = "No such attachment"


def comment_on(*, approval_id: uuid.UUID, text: str, by: Actor) -> Comment:
    """Add a word to the thread. Raises ApprovalUnknown, TakesNoPart, CommentInvalid."""
    approval = get_approval(approval_id)
    assert_takes_part(by)
    text = made_storable(text).strip()
    if not text or len(text) > LONGEST_COMMENT:
        raise CommentInvalid(
            f"A comment has from 1 to {LONGEST_COMMENT} characters.",
            errors=(FieldError("text", "is empty or too long"),),
        )
    if approval.comments.count() >= MOST_COMMENTS:
        raise CommentInvalid(
            f"“{approval.title}” has {MOST_COMMENTS} comments, the most there are."
        )
    with transaction.atomic():
        comment = Comment.objects.create(
            approval=approval, author_id=by.id, author_label=by.label, text=text
        )
        record_step("approval.commented", approval, {"comment": text}, by)
    return comment


def attach(
    *, approval_id: uuid.UUID, chunks: Iterable[bytes], filename: str, by: Actor
) -> Attachment:
    """Put a file beside the approval; the same content again is answered with what is there.

    At most 10 MiB, of the kinds in TYPES, and beginning as its kind does. Raises ApprovalUnknown,
    TakesNoPart, AttachmentRefused, FileTooLarge, LimitReached.
    """
    get_approval(approval_id)
    assert_takes_part(by)
    name = made_storable(PurePosixPath(filename.replace("\\", "/")).name).strip()[:255]
    ending = PurePosixPath(name).suffix.lower()
    if ending not in TYPES:
        raise AttachmentRefused(
            f"Files that end in {', '.join(TYPES)} are taken, and “{name[:80]}” does not.",
            errors=(FieldError("file", "is of no kind that is taken"),),
        )
    stored = files.store(_looked_at(chunks, ending), limit=LARGEST)
    if stored.size == 0:
        raise AttachmentRefused(f"“{name}” is empty.", errors=(FieldError("file", "is empty"),))
    with transaction.atomic():
        approval = Approval.objects.select_for_update().get(pk=approval_id)
        known = approval.attachments.filter(sha256=stored.sha256).first()
        if known is not None:
            return known
        if approval.attachments.count() >= MOST_ATTACHMENTS:
            raise AttachmentRefused(
                f"“{approval.title}” has {MOST_ATTACHMENTS} files, the most there are."
            )
        made = Attachment.objects.create(
            approval=approval,
            filename=name,
            content_type=TYPES[ending],
            sha256=stored.sha256,
            size=stored.size,
            author_id=by.id,
            author_label=by.label,
        )
        told = {"filename": name, "sha256": stored.sha256, "size": stored.size}
        record_step("approval.attached", approval, told, by)
    return made


def get_attachment(approval_id: uuid.UUID, attachment_id: uuid.UUID) -> Attachment:
    """Raises AttachmentUnknown."""
    try:
        return Attachment.objects.get(pk=attachment_id, approval_id=approval_id)
    except Attachment.DoesNotExist:
        raise AttachmentUnknown(f"The approval has no attachment {attachment_id}.") from None


def _looked_at(chunks: Iterable[bytes], ending: str) -> Iterable[bytes]:
    """As they come, after a look at how they begin. Raises AttachmentRefused."""
    begins = _BEGINS.get(ending, b"")
    seen = b""
    for chunk in chunks:
        if len(seen) < len(begins):
            seen += chunk[: len(begins)]
            if not begins.startswith(seen[: len(begins)]):
                raise AttachmentRefused(
                    f"The file is named {ending} but does not begin as such a file does.",
                    errors=(FieldError("file", "is not what its name says"),),
                )
        yield chunk
