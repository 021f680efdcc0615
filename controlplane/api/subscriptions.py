"""What the Pergola Trigger node calls: whoami, subscriptions, and the claim of a delivery."""

import uuid

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, ConfigDict, Field
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from controlplane.api.authentication import IsMachine
from controlplane.api.operations import require_scope
from controlplane.events import delivery, services
from controlplane.events.presentation import present_delivery
from tenants.context import current_tenant

SCOPE = "events:subscribe"


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SubscriptionIn(Body):
    webhook_url: str = Field(description="Where the trigger listens", max_length=500)
    event_types: list[str] = Field(description="Which events it wants", min_length=1)
    workflow_id: str = Field(default="", description="n8n's ID of the workflow", max_length=64)
    test: bool = Field(default=False, description="The editor listens for one test event")


class ClaimIn(Body):
    token: str = Field(description="The one-time token of the delivery", max_length=200)
    include_payload: bool = Field(default=False, description="Return the event's body too")


class MachineView(APIView):
    permission_classes = [IsMachine]


class Whoami(MachineView):
    @extend_schema(tags=["trigger"], responses={200: dict}, operation_id="whoami")
    def get(self, request: Request) -> Response:
        """Whose key this is: the credential's test."""
        tenant, actor = current_tenant(), request.user.actor
        return Response(
            {
                "tenant": tenant.slug,
                "tenant_name": tenant.name,
                "environment": "production",
                "installation_id": actor.installation_id,
                "scopes": sorted(actor.scopes),
            }
        )


class Subscriptions(MachineView):
    @extend_schema(tags=["trigger"], responses={200: dict}, operation_id="subscriptions_find")
    def get(self, request: Request) -> Response:
        """The key's subscriptions at one webhook address."""
        require_scope(SCOPE, request.user.actor)
        url = request.query_params.get("webhook_url", "")
        return Response({"results": services.subscriptions_at(url, by=request.user.actor)})

    @extend_schema(
        tags=["trigger"],
        request=SubscriptionIn,
        responses={200: dict},
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
            by=request.user.actor,
        )
        return Response({"subscription_id": subscription.pk})


class SubscriptionDetail(MachineView):
    @extend_schema(tags=["trigger"], responses={204: None}, operation_id="subscriptions_delete")
    def delete(self, request: Request, subscription_id: uuid.UUID) -> Response:
        """Stop delivering; already gone is as good."""
        require_scope(SCOPE, request.user.actor)
        services.unsubscribe(subscription_id=subscription_id, by=request.user.actor)
        return Response(status=204)


class Claim(MachineView):
    @extend_schema(
        tags=["trigger"], request=ClaimIn, responses={200: dict}, operation_id="delivery_claim"
    )
    def post(self, request: Request, delivery_id: uuid.UUID) -> Response:
        """Fetch the event that a delivery offers, once per token."""
        require_scope(SCOPE, request.user.actor)
        data = ClaimIn.model_validate(request.data)
        claimed = delivery.claim(delivery_id=delivery_id, token=data.token, by=request.user.actor)
        return Response(present_delivery(claimed, include_payload=data.include_payload))
