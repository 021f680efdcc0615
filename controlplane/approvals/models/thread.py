"""What is said and shown beside an approval, and the links by which it is decided from a mail."""

from django.db import models
from django.utils import timezone

from controlplane.approvals.models.approval import Approval
from controlplane.core.classification import Classification
from controlplane.core.models import Row


class Comment(Row):
    """A word in the thread: of a person, or of the workflow."""

    approval = models.ForeignKey(Approval, on_delete=models.CASCADE, related_name="comments")
    author_id = models.CharField(max_length=120)
    author_label = models.CharField(max_length=200)
    text = models.TextField()
    written_at = models.DateTimeField(default=timezone.now)

    classified = Classification(health="approval author_id author_label written_at", payload="text")

    class Meta:
        ordering = ["written_at", "pk"]

    def __str__(self) -> str:
        return f"{self.author_label}: {self.text[:60]}"


class Attachment(Row):
    """A file that was put beside an approval; `sha256` names it among the tenant's files."""

    approval = models.ForeignKey(Approval, on_delete=models.CASCADE, related_name="attachments")
    filename = models.CharField(max_length=255)
    content_type = models.CharField(max_length=80)
    sha256 = models.CharField(max_length=64)
    size = models.PositiveBigIntegerField()
    author_id = models.CharField(max_length=120)
    author_label = models.CharField(max_length=200)
    attached_at = models.DateTimeField(default=timezone.now)

    classified = Classification(
        health="approval content_type sha256 size author_id author_label attached_at",
        payload="filename",
    )

    class Meta:
        ordering = ["attached_at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["approval", "sha256"], name="attachment_once")
        ]

    def __str__(self) -> str:
        return self.filename


class MailLink(Row):
    """Lets one member answer one revision of one approval once, by what was mailed to them."""

    approval = models.ForeignKey(Approval, on_delete=models.CASCADE, related_name="mail_links")
    revision = models.CharField(max_length=64, blank=True)
    member_id = models.CharField(max_length=120)
    token_sha256 = models.CharField(max_length=64)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    classified = Classification(
        health="approval revision member_id expires_at used_at", secrets="token_sha256"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["token_sha256"], name="mail_link_token_once")
        ]

    def __str__(self) -> str:
        return f"link of {self.member_id} to {self.approval_id}"
