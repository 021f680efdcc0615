"""Approvals for people: list, look, decide. The portal's session, on the tenant's host."""

import uuid
from typing import Any, Literal

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from pydantic import BaseModel, ConfigDict, Field
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from controlplane.api.authentication import IsMember
from controlplane.api.openapi import BY_SESSION, PROBLEM
from controlplane.approvals import services
from controlplane.approvals.models import Approval


class ReasonSerializer(serializers.Serializer[Any]):
    code = serializers.CharField(help_text="Stable name of the reason, for example over_limit")
    message = serializers.CharField(help_text="The reason in a sentence")
    verdict = serializers.CharField(help_text="What this reason alone asks for: hold or reject")
    policy = serializers.CharField(help_text="The policy that gave it; empty where none could")


@extend_schema_field(ReasonSerializer(many=True))
class ReasonsField(serializers.JSONField):
    """As they were stored when the approval was requested."""


class ApprovalSerializer(serializers.ModelSerializer[Approval]):
    reasons = ReasonsField()

    class Meta:
        model = Approval
        fields = [
            "id", "title", "summary", "note", "reasons", "amount", "currency", "status",
            "subject_type", "subject_id", "requested_at", "expires_at", "decided_at",
            "decided_by", "comment",
        ]  # fmt: skip
        read_only_fields = fields


class DecisionIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    decision: Literal["approve", "reject"] = Field(description="The answer")
    comment: str = Field(default="", description="Why, for the record", max_length=2000)


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
        found = Approval.objects.all()
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
        """Approve or reject, once."""
        data = DecisionIn.model_validate(request.data)
        approval = services.decide(
            approval_id=approval_id,
            decision=data.decision,
            comment=data.comment,
            by=request.user.actor,
        )
        return Response(ApprovalSerializer(approval).data)
