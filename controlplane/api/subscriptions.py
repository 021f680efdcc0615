"""What the Pergola Trigger node calls: whoami, subscriptions, and the claim of a delivery."""

import uuid
from datetime import datetime
from typing import Any, Literal

from drf_spectacular.utils import OpenApiParameter, extend_schema
from pydantic import BaseModel, ConfigDict, Field
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from controlplane.api.authentication import IsMachine
from controlplane.api.openapi import BY_KEY, PROBLEM
from controlplane.api.operations import require_scope
from controlplane.events import services
from controlplane.events.models import Subscription
from controlplane.events.presentation import present_delivery
from controlplane.events.wanted import Wanted, claim_wanted, offer_newest
from tenants.context import current_tenant

SCOPE = "events:subscribe"


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Filter(Body):
    sources: list[str] = Field(
        default_factory=list,
        description="Only events of the sources with these short names; none: of all",
        max_length=100,
    )
    subject: str = Field(
        default="",
        description="Only events about this, such as #1001; a star stands for any text",
        max_length=200,
    )

    @property
    def wanted(self) -> Wanted:
        return Wanted(frozenset(self.sources), self.subject)


class SubscriptionIn(Filter):
    webhook_url: str = Field(description="Where the trigger listens", max_length=500)
    event_types: list[str] = Field(description="Which events it wants", min_length=1)
    workflow_id: str = Field(default="", description="n8n's ID of the workflow", max_length=64)
    test: bool = Field(default=False, description="The editor listens for one test event")
    fetch: Literal["trigger", "execution"] = Field(
        default="trigger",
        description="Who fetches an event: the trigger before it starts an execution, or the "
        "execution in its first step",
    )
    offer: Literal["", "newest"] = Field(
        default="",
        description="With test: deliver the newest such event at once, also one that was handled",
    )


class WhoamiOut(BaseModel):
    tenant: str = Field(description="The tenant's slug")
    tenant_name: str = Field(description="Its name, as people know it")
    environment: Literal["production", "sandbox"] = Field(description="What the tenant is for")
    installation_id: uuid.UUID | None = Field(
        description="The installation that the key was made for; null where it was made by hand"
    )
    scopes: list[str] = Field(description="What the key may do")


class SubscriptionOut(BaseModel):
    subscription_id: uuid.UUID = Field(description="Delete it to stop the deliveries")
    event_types: list[str] = Field(description="Which events it wants")


class SubscriptionsOut(BaseModel):
    results: list[SubscriptionOut] = Field(description="None or one: an address listens once")


class ClaimIn(Filter):
    token: str = Field(description="The one-time token of the delivery", max_length=200)
    include_payload: bool = Field(default=False, description="Return the event's body too")
    cloudevent: bool = Field(default=False, description="Return it as a CloudEvent 1.0 too")


class ClaimOut(BaseModel):
    event_id: uuid.UUID = Field(description="The event; node operations ask for it")
    type: str = Field(description="What happened, such as order.created")
    source: str = Field(description="Short name of the source that it came from")
    subject: str = Field(description="What people call the thing, such as #1001; may be empty")
    received_at: datetime = Field(description="When Pergola took it in")
    environment: Literal["production", "sandbox"] = Field(description="Where it came in")
    test: bool = Field(description="Whether it was sent by the test button, or to an editor")
    delivery_id: uuid.UUID = Field(description="The delivery that was claimed")
    payload: dict[str, Any] = Field(
        default_factory=dict,
        description="The body as the source sent it; left out unless include_payload was set",
    )
    cloudevent: dict[str, Any] = Field(
        default_factory=dict,
        description="The event as a structured CloudEvent 1.0; left out unless cloudevent was set",
    )


class MachineView(APIView):
    permission_classes = [IsMachine]


class Whoami(MachineView):
    @extend_schema(
        tags=["trigger"],
        auth=BY_KEY,
        responses={200: WhoamiOut, **PROBLEM},
        operation_id="whoami",
    )
    def get(self, request: Request) -> Response:
        """Whose key this is: the credential's test."""
        tenant, actor = current_tenant(), request.user.actor
        return _answer(
            WhoamiOut(
                tenant=tenant.slug,
                tenant_name=tenant.name,
                environment="sandbox" if tenant.is_sandbox else "production",
                installation_id=actor.installation_id,
                scopes=sorted(actor.scopes),
            )
        )


class Subscriptions(MachineView):
    @extend_schema(
        tags=["trigger"],
        auth=BY_KEY,
        parameters=[
            OpenApiParameter(
                "webhook_url", str, required=True, description="Where the trigger listens"
            )
        ],
        responses={200: SubscriptionsOut, **PROBLEM},
        operation_id="subscriptions_find",
    )
    def get(self, request: Request) -> Response:
        """The key's subscriptions at one webhook address."""
        require_scope(SCOPE, request.user.actor)
        url = request.query_params.get("webhook_url", "")
        found = services.subscriptions_at(url, by=request.user.actor)
        return _answer(SubscriptionsOut(results=[_subscription(one) for one in found]))

    @extend_schema(
        tags=["trigger"],
        auth=BY_KEY,
        request=SubscriptionIn,
        responses={200: SubscriptionOut, **PROBLEM},
        operation_id="subscriptions_put",
    )
    def put(self, request: Request) -> Response:
        """Have events delivered to a webhook; the same again changes nothing."""
        require_scope(SCOPE, request.user.actor)
        data = SubscriptionIn.model_validate(request.data)
        subscription = services.subscribe(
            webhook_url=data.webhook_url,
            event_types=data.event_types,
            workflow_id=data.workflow_id,
            is_test=data.test,
            is_fetched_in_execution=data.fetch == "execution",
            by=request.user.actor,
        )
        if data.test and data.offer == "newest":
            offer_newest(subscription, data.wanted)
        return _answer(_subscription(subscription))


class SubscriptionDetail(MachineView):
    @extend_schema(
        tags=["trigger"],
        auth=BY_KEY,
        responses={204: None, **PROBLEM},
        operation_id="subscriptions_delete",
    )
    def delete(self, request: Request, subscription_id: uuid.UUID) -> Response:
        """Stop delivering; already gone is as good."""
        require_scope(SCOPE, request.user.actor)
        services.unsubscribe(subscription_id=subscription_id, by=request.user.actor)
        return Response(status=204)


class Claim(MachineView):
    @extend_schema(
        tags=["trigger"],
        auth=BY_KEY,
        request=ClaimIn,
        responses={200: ClaimOut, 204: None, **PROBLEM},
        operation_id="delivery_claim",
    )
    def post(self, request: Request, delivery_id: uuid.UUID) -> Response:
        """Fetch the event that a delivery offers, once per token.

        204 where it is none of those that are asked for: it is settled, and starts nothing.
        """
        require_scope(SCOPE, request.user.actor)
        data = ClaimIn.model_validate(request.data)
        claimed = claim_wanted(
            delivery_id=delivery_id, token=data.token, wanted=data.wanted, by=request.user.actor
        )
        if claimed is None:
            return Response(status=204)
        shown = present_delivery(
            claimed, include_payload=data.include_payload, as_cloudevent=data.cloudevent
        )
        return _answer(ClaimOut.model_validate(shown))


def _subscription(subscription: Subscription) -> SubscriptionOut:
    return SubscriptionOut(subscription_id=subscription.pk, event_types=subscription.event_types)


def _answer(body: BaseModel) -> Response:
    return Response(body.model_dump(mode="json", exclude_unset=True))
