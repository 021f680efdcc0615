"""What is said and shown beside an approval."""

import uuid

import pytest

from controlplane.approvals import thread
from controlplane.approvals.models import Approval, Attachment, Comment
from controlplane.approvals.services import ApprovalUnknown, decide
from controlplane.approvals.thread import (
    AttachmentRefused,
    AttachmentUnknown,
    CommentInvalid,
    attach,
    comment_on,
    get_attachment,
)
from controlplane.audit.models import Entry
from controlplane.core.actor import Actor
from tenants import files
from tenants.models import Tenant
from tenants.retention.references import naming_columns
from tests.factories.approvals import make_approval
from tests.factories.events import ADA, make_machine, make_workspace

PDF = b"%PDF-1.7 a contract"


@pytest.fixture
def approval(tenant: Tenant) -> Approval:
    make_workspace()
    return make_approval()


def put(approval: Approval, content: bytes = PDF, filename: str = "contract.pdf") -> Attachment:
    return attach(approval_id=approval.pk, chunks=[content], filename=filename, by=ADA)


@pytest.mark.parametrize("by", [ADA, make_machine()])
def test_people_and_workflows_comment_in_order(approval: Approval, by: Actor) -> None:
    comment_on(approval_id=approval.pk, text=" Called them. ", by=by)
    decide(approval_id=approval.pk, decision="approve", comment="", by=ADA)
    comment_on(approval_id=approval.pk, text="They paid\x00.", by=by)

    assert [each.text for each in approval.comments.all()] == ["Called them.", "They paid\ufffd."]
    assert Entry.objects.filter(action="approval.commented").count() == 2


@pytest.mark.parametrize("text", ["", "  \n ", "x" * 4001])
def test_a_comment_has_something_to_say(approval: Approval, text: str) -> None:
    with pytest.raises(CommentInvalid) as caught:
        comment_on(approval_id=approval.pk, text=text, by=ADA)
    assert [each.field for each in caught.value.errors] == ["text"]
    assert not Comment.objects.exists()


def test_what_is_not_there_has_no_thread(tenant: Tenant) -> None:
    with pytest.raises(ApprovalUnknown):
        comment_on(approval_id=uuid.uuid4(), text="Hello", by=ADA)
    with pytest.raises(ApprovalUnknown):
        attach(approval_id=uuid.uuid4(), chunks=[PDF], filename="a.pdf", by=ADA)


def test_a_file_is_kept_once_and_found_again(approval: Approval) -> None:
    first, again = put(approval), put(approval, filename="../../other.pdf")

    assert first == again
    assert files.read_file(first.sha256) == PDF
    assert (first.filename, first.content_type, first.size) == (
        "contract.pdf", "application/pdf", len(PDF),
    )  # fmt: skip
    assert get_attachment(approval.pk, first.pk) == first
    with pytest.raises(AttachmentUnknown):
        get_attachment(uuid.uuid4(), first.pk)
    assert Entry.objects.filter(action="approval.attached").count() == 1
    assert (Attachment, "sha256") in naming_columns(), "a purge would take the file away"


@pytest.mark.parametrize(
    ("content", "filename"),
    [
        (b"<html>", "page.html"),
        (b"MZ\x90", "setup.exe"),
        (b"<script>", "contract.pdf"),
        (b"", "empty.txt"),
        (PDF, "pdf"),
        (PDF, ""),
        (b"PK\x05", "a.docx"),
    ],
)
def test_a_file_of_another_kind_is_refused(
    approval: Approval, content: bytes, filename: str
) -> None:
    with pytest.raises(AttachmentRefused) as caught:
        put(approval, content, filename)
    assert [each.field for each in caught.value.errors] == ["file"]
    assert not Attachment.objects.exists()


def test_only_the_name_stays_of_a_path(approval: Approval) -> None:
    assert put(approval, filename="C:\\Users\\ada\\q1.pdf").filename == "q1.pdf"
    assert put(approval, b"text", filename="../../etc/notes.txt").filename == "notes.txt"


def test_a_beginning_that_comes_in_pieces_is_put_together(approval: Approval) -> None:
    pieces = [PDF[:2], PDF[2:4], PDF[4:]]

    assert attach(approval_id=approval.pk, chunks=pieces, filename="a.pdf", by=ADA).size == len(PDF)


def test_too_large_or_too_many_are_refused(
    approval: Approval, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(thread, "LARGEST", 100)
    monkeypatch.setattr(thread, "MOST_ATTACHMENTS", 1)

    with pytest.raises(files.FileTooLarge):
        put(approval, PDF + b"x" * 100)
    put(approval)
    with pytest.raises(AttachmentRefused, match="1 files"):
        put(approval, PDF + b"2")
