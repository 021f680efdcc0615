"""Approvals for people: list, look, decide. The portal's session, on the tenant's host."""

import uuid
from typing import Any, Literal

from django.http import FileResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from pydantic import BaseModel, ConfigDict, Field
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from controlplane.api.authentication import IsMember
from controlplane.api.openapi import BY_SESSION, PROBLEM
from controlplane.api.problems import InputInvalid
from controlplane.approvals import services, thread
from controlplane.approvals.models import Approval, Attachment, Comment, Vote
from controlplane.core.errors import FieldError
from tenants import access, files
from tenants.permissions import Permission


class ReasonSerializer(serializers.Serializer[Any]):
    code = serializers.CharField(help_text="Stable name of the reason, for example over_limit")
    message = serializers.CharField(help_text="The reason in a sentence")
    verdict = serializers.CharField(help_text="What this reason alone asks for: hold or reject")
    policy = serializers.CharField(help_text="The policy that gave it; empty where none could")


@extend_schema_field(ReasonSerializer(many=True))
class ReasonsField(serializers.JSONField):
    """As they were stored when the approval was requested."""


class VoteSerializer(serializers.ModelSerializer[Vote]):
    class Meta:
        model = Vote
        fields = [
            "member_label", "principal_label", "organisation", "decision", "comment", "voted_at",
            "revision",
        ]  # fmt: skip
        read_only_fields = fields


class AttachmentSerializer(serializers.ModelSerializer[Attachment]):
    class Meta:
        model = Attachment
        fields = [
            "id", "filename", "content_type", "size", "sha256", "author_label", "attached_at",
        ]  # fmt: skip
        read_only_fields = fields


class CommentSerializer(serializers.ModelSerializer[Comment]):
    class Meta:
        model = Comment
        fields = ["id", "author_label", "text", "written_at"]
        read_only_fields = fields


class ApprovalSerializer(serializers.ModelSerializer[Approval]):
    reasons = ReasonsField()
    terms: Any = serializers.JSONField(
        read_only=True, help_text="By which rules it is decided; null: by anyone who may decide"
    )
    votes = VoteSerializer(many=True, read_only=True)
    attachments = AttachmentSerializer(many=True, read_only=True)

    class Meta:
        model = Approval
        fields = [
            "id", "title", "summary", "note", "reasons", "amount", "currency", "status",
            "subject_type", "subject_id", "requested_at", "expires_at", "decided_at",
            "decided_by", "comment", "revision", "terms", "route", "step", "step_due_at", "votes",
            "attachments",
        ]  # fmt: skip
        read_only_fields = fields


class DecisionIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    decision: Literal["approve", "reject"] = Field(description="The answer")
    comment: str = Field(default="", description="Why, for the record", max_length=2000)
    revision: str = Field(
        default="",
        description="The one that was looked at; with another one nothing is approved",
        max_length=64,
    )
    on_behalf_of: str = Field(
        default="",
        description="The id of the person who delegated the decision to you; empty: for yourself",
        max_length=120,
    )


class CommentIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: str = Field(
        description="What is to be said", min_length=1, max_length=thread.LONGEST_COMMENT
    )


class AttachedFile(serializers.Serializer[Any]):
    """A file to put beside the approval."""

    file = serializers.FileField(help_text="PDF, picture, text, CSV, XML, mail or Office")


class Approvals(ListAPIView[Approval]):
    """Approvals, newest first."""

    permission_classes = [IsMember]
    serializer_class = ApprovalSerializer

    @extend_schema(
        tags=["approvals"],
        auth=BY_SESSION,
        parameters=[
            OpenApiParameter(
                "status", str, enum=Approval.Status.values, description="Only those in this state"
            )
        ],
        responses={200: ApprovalSerializer(many=True), **PROBLEM},
        operation_id="approvals_list",
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Approvals, newest first."""
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> Any:
        status = self.request.query_params.get("status")
        found = Approval.objects.prefetch_related("votes", "attachments")
        return found.filter(status=status) if status else found


class ApprovalDetail(APIView):
    permission_classes = [IsMember]

    @extend_schema(
        tags=["approvals"],
        auth=BY_SESSION,
        responses={200: ApprovalSerializer, **PROBLEM},
        operation_id="approvals_retrieve",
    )
    def get(self, request: Request, approval_id: uuid.UUID) -> Response:
        """One approval."""
        return Response(ApprovalSerializer(services.get_approval(approval_id)).data)


class Decision(APIView):
    permission_classes = [IsMember]

    @extend_schema(
        tags=["approvals"],
        auth=BY_SESSION,
        request=DecisionIn,
        responses={200: ApprovalSerializer, **PROBLEM},
        operation_id="approvals_decide",
    )
    def post(self, request: Request, approval_id: uuid.UUID) -> Response:
        """Vote to approve or to reject, once; it ends where the terms have what they need."""
        data = DecisionIn.model_validate(request.data)
        approval = services.decide(
            approval_id=approval_id,
            decision=data.decision,
            comment=data.comment,
            revision=data.revision,
            on_behalf_of=data.on_behalf_of,
            by=request.user.actor,
        )
        return Response(ApprovalSerializer(approval).data)


class Comments(APIView):
    permission_classes = [IsMember]

    @extend_schema(
        tags=["approvals"],
        auth=BY_SESSION,
        responses={200: CommentSerializer(many=True), **PROBLEM},
        operation_id="approvals_comments_list",
    )
    def get(self, request: Request, approval_id: uuid.UUID) -> Response:
        """The thread, the oldest first."""
        comments = services.get_approval(approval_id).comments.all()
        return Response(CommentSerializer(comments, many=True).data)

    @extend_schema(
        tags=["approvals"],
        auth=BY_SESSION,
        request=CommentIn,
        responses={201: CommentSerializer, **PROBLEM},
        operation_id="approvals_comments_create",
    )
    def post(self, request: Request, approval_id: uuid.UUID) -> Response:
        """Add a comment to the thread."""
        data = CommentIn.model_validate(request.data)
        made = thread.comment_on(approval_id=approval_id, text=data.text, by=request.user.actor)
        return Response(CommentSerializer(made).data, status=201)


class Attachments(APIView):
    permission_classes = [IsMember]
    parser_classes = [MultiPartParser]

    @extend_schema(
        tags=["approvals"],
        auth=BY_SESSION,
        request={"multipart/form-data": AttachedFile},
        responses={201: AttachmentSerializer, **PROBLEM},
        operation_id="approvals_attachments_create",
    )
    def post(self, request: Request, approval_id: uuid.UUID) -> Response:
        """Put a file beside an approval; the same content again is answered with what is there."""
        file = request.FILES.get("file")
        if file is None:
            raise InputInvalid(
                "Send the file as multipart/form-data, in the field “file”.",
                errors=(FieldError("file", "is missing"),),
            )
        made = thread.attach(
            approval_id=approval_id,
            chunks=file.chunks(),
            filename=file.name or "",
            by=request.user.actor,
        )
        return Response(AttachmentSerializer(made).data, status=201)


class AttachmentContent(APIView):
    permission_classes = [IsMember]

    @extend_schema(
        tags=["approvals"],
        auth=BY_SESSION,
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY, **PROBLEM},
        operation_id="approvals_attachments_retrieve",
    )
    def get(
        self, request: Request, approval_id: uuid.UUID, attachment_id: uuid.UUID
    ) -> HttpResponseBase:
        """The file itself, for those who may see customer data."""
        access.require(Permission.PAYLOAD, request._request.member, request._request.tenant)
        found = thread.get_attachment(approval_id, attachment_id)
        # To be saved, whatever its sender says it is.
        return FileResponse(
            files.open_file(found.sha256),
            as_attachment=True,
            filename=found.filename,
            content_type="application/octet-stream",
        )
