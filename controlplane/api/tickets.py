"""Tickets: handed in by a form or a helpdesk, and looked at."""

import uuid
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from pydantic import BaseModel, ConfigDict, Field
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from controlplane.api.openapi import BY_KEY, BY_SESSION, PROBLEM
from controlplane.api.operations import require_scope, require_to_list
from controlplane.core.actor import Actor
from controlplane.support import services
from controlplane.support.models import Ticket, Urgency

SUBMIT, READ = "tickets:submit", "tickets:read"


class RequesterIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(default="", description="How the reply addresses them", max_length=200)
    email: str = Field(description="Where the reply goes", max_length=254)


class TicketIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    subject: str = Field(default="", description="What it is about, in a line", max_length=300)
    body: str = Field(description="The question, as text", max_length=50_000)
    requester: RequesterIn = Field(description="Who asks")
    external_id: str = Field(
        default="",
        description="Your own number for it: the same again is the same ticket",
        max_length=200,
    )
    language: str = Field(
        default="",
        description="ISO 639-1, such as en or de, where you know it; else it is detected",
        pattern=r"^([a-z]{2})?$",
    )


class TicketAccepted(BaseModel):
    ticket_id: uuid.UUID = Field(description="The ticket in Pergola")
    event_id: uuid.UUID = Field(description="The event that listeners are told of")
    number: str = Field(description="The ticket's number, for example T-1001")
    duplicate: bool = Field(description="Whether it was there already; nothing was changed then")


class TicketSerializer(serializers.ModelSerializer[Ticket]):
    # Said here, since of what is only read the serializer forgets that it may be empty.
    urgency = serializers.ChoiceField(Urgency.choices, allow_blank=True, read_only=True)
    mail = serializers.ChoiceField(Ticket.Mail.choices, allow_blank=True, read_only=True)

    class Meta:
        model = Ticket
        fields = [
            "id", "number", "channel", "external_id", "subject", "body", "requester_name",
            "requester_email", "received_at", "is_test", "event_id", "status", "intent",
            "intent_confidence", "is_confident", "urgency", "urgency_confidence", "language",
            "answer_id", "reply_text", "replied_at", "mail", "sent_at", "queue", "reason",
            "handed_over_at", "closed_at",
        ]  # fmt: skip
        read_only_fields = fields


class Tickets(ListAPIView[Ticket]):
    """Tickets, newest first."""

    serializer_class = TicketSerializer

    @extend_schema(
        tags=["tickets"],
        auth=BY_KEY + BY_SESSION,
        parameters=[
            OpenApiParameter(
                "status", str, enum=Ticket.Status.values, description="Only those in this state"
            )
        ],
        responses={200: TicketSerializer(many=True), **PROBLEM},
        operation_id="tickets_list",
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Tickets, newest first. A key needs the scope `tickets:read`."""
        require_to_list(READ, request.user.actor)
        return super().get(request, *args, **kwargs)

    @extend_schema(
        tags=["tickets"],
        auth=BY_KEY + BY_SESSION,
        request=TicketIn,
        responses={202: TicketAccepted, **PROBLEM},
        operation_id="tickets_submit",
    )
    def post(self, request: Request) -> Response:
        """Hand a ticket in. Needs the scope `tickets:submit`; a member the permission `handle`."""
        actor: Actor = request.user.actor
        require_scope(SUBMIT, actor)
        data = TicketIn.model_validate(request.data)
        received = services.receive_ticket(
            subject=data.subject,
            body=data.body,
            requester_name=data.requester.name,
            requester_email=data.requester.email,
            channel=Ticket.Channel.API,
            external_id=data.external_id,
            language=data.language,
            by=actor,
        )
        accepted = TicketAccepted(
            ticket_id=received.ticket.pk,
            event_id=received.event.pk,
            number=received.ticket.number,
            duplicate=received.is_duplicate,
        )
        return Response(accepted.model_dump(mode="json"), status=202)

    def get_queryset(self) -> Any:
        status = self.request.query_params.get("status")
        found = Ticket.objects.recent()
        return found.with_status(status) if status else found


class TicketDetail(APIView):
    @extend_schema(
        tags=["tickets"],
        auth=BY_KEY + BY_SESSION,
        responses={200: TicketSerializer, **PROBLEM},
        operation_id="tickets_retrieve",
    )
    def get(self, request: Request, ticket_id: uuid.UUID) -> Response:
        """One ticket. A key needs the scope `tickets:read`."""
        require_scope(READ, request.user.actor)
        return Response(TicketSerializer(services.get_ticket(ticket_id)).data)
