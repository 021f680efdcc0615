"""Rollouts of a partner's people, as the portal has them: begun, followed, and taken in hand."""

import uuid
from typing import Any, Literal

from django.core.exceptions import PermissionDenied
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from pydantic import BaseModel, ConfigDict, Field
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from controlplane.api.authentication import IsMember
from controlplane.api.openapi import BY_SESSION, PROBLEM
from controlplane.catalog.models import Rollout, RolloutPlace
from controlplane.catalog.rollouts import asking
from controlplane.catalog.rollouts.telling import Ring, steps_of, told
from controlplane.core.errors import DomainError, FieldError
from tenants.context import outside
from tenants.models import Partner
from tenants.partner_seats import partners_with, seat_in
from tenants.permissions import PartnerPermission

SEE, ROLL_OUT = PartnerPermission.SEE_ROLLOUTS, PartnerPermission.ROLL_OUT


class WhoseCustomers(DomainError):
    code = "rollout_partner_needed"
    status = 422
    title = "It is not said whose customers"


class RolloutSerializer(serializers.ModelSerializer[Rollout]):
    """`ring` is where it is: 0 are the sandboxes, then one for each of `shares`."""

    template: Any = serializers.CharField(source="template.slug", read_only=True)
    version: Any = serializers.CharField(source="release.version", read_only=True)
    partner: Any = serializers.CharField(
        source="partner.slug", read_only=True, default=None, allow_null=True
    )

    class Meta:
        model = Rollout
        fields = [
            "id", "template", "version", "partner", "status", "ring", "shares", "take",
            "watch_minutes", "watch_at_most_minutes", "least_runs", "most_failed_upgrades",
            "most_failed_runs", "most_with_exceptions", "most_slower", "tries_cases", "at_once",
            "per_minute", "note", "asked_by", "created_at", "watched_since", "ended_at",
        ]  # fmt: skip
        read_only_fields = fields


class StepSerializer(serializers.Serializer[Any]):
    """What was done, by whom and why; `words` are for people."""

    words: Any = serializers.CharField()
    why: Any = serializers.CharField()
    by: Any = serializers.CharField()
    ring: Any = serializers.IntegerField()
    at: Any = serializers.DateTimeField()


class GateSerializer(serializers.Serializer[Any]):
    """What the gate judges by. Of the runs' times the 95th percentile, in milliseconds."""

    upgraded: Any = serializers.IntegerField()
    failed_upgrades: Any = serializers.IntegerField()
    waiting: Any = serializers.IntegerField(help_text="For people of the tenants")
    with_exceptions: Any = serializers.IntegerField()
    cases_failed: Any = serializers.IntegerField()
    runs: Any = serializers.IntegerField()
    failed_runs: Any = serializers.IntegerField()
    runs_before: Any = serializers.IntegerField()
    failed_before: Any = serializers.IntegerField()
    p95: Any = serializers.FloatField(allow_null=True)
    p95_before: Any = serializers.FloatField(allow_null=True)


class RingSerializer(serializers.Serializer[Any]):
    """`states` counts its installations by their status; `share` is in percent, 0 of sandboxes."""

    number: Any = serializers.IntegerField()
    share: Any = serializers.IntegerField()
    count: Any = serializers.IntegerField()
    state: Any = serializers.ChoiceField(choices=["past", "now", "to_come"])
    done_percent: Any = serializers.IntegerField()
    states: Any = serializers.SerializerMethodField()
    gate: Any = GateSerializer(source="seen")

    @extend_schema_field({"type": "object", "additionalProperties": {"type": "integer"}})
    def get_states(self, ring: Ring) -> dict[str, int]:
        return {str(each.status): each.count for each in ring.shares}


class RolloutDetailSerializer(RolloutSerializer):
    """With its rings, as far as they have installations, and its steps, the newest first."""

    rings: Any = serializers.SerializerMethodField()
    steps: Any = serializers.SerializerMethodField()

    class Meta(RolloutSerializer.Meta):
        fields = [*RolloutSerializer.Meta.fields, "rings", "steps"]
        read_only_fields = fields

    @extend_schema_field(RingSerializer(many=True))
    def get_rings(self, rollout: Rollout) -> Any:
        return RingSerializer(told(rollout.pk), many=True).data

    @extend_schema_field(StepSerializer(many=True))
    def get_steps(self, rollout: Rollout) -> Any:
        return StepSerializer(steps_of(rollout), many=True).data


class PlaceSerializer(serializers.ModelSerializer[RolloutPlace]):
    """One installation. The hashes are of its workflow, `hash_returned` once it was taken back."""

    tenant: Any = serializers.CharField(source="tenant.slug", read_only=True)

    class Meta:
        model = RolloutPlace
        fields = [
            "tenant", "installation_id", "ring", "status", "from_version", "conflicts", "error",
            "hash_before", "hash_after", "hash_returned", "upgraded_at",
        ]  # fmt: skip
        read_only_fields = fields


class RolloutIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    template: str = Field(description="Short name of the template", min_length=1, max_length=60)
    version: str = Field(default="", description="Else the latest that is live", max_length=20)
    partner: str = Field(
        default="", description="Short name; only for who works for several", max_length=60
    )
    shares: list[int] = Field(
        default=asking.DEFAULT_SHARES,
        description="Rings: percentages of the workspaces, rising to 100; sandboxes come before",
        min_length=1, max_length=asking.MOST_RINGS,
    )  # fmt: skip
    take: Literal["", "ours", "theirs"] = Field(
        default="", description="For all conflicts: the tenant's, or the release's; else people do"
    )
    watch_minutes: int = Field(
        default=30, ge=0, le=asking.LONGEST_WATCH_MINUTES, description="For each ring"
    )
    watch_at_most_minutes: int = Field(
        default=24 * 60,
        ge=0,
        le=asking.LONGEST_WATCH_MINUTES,
        description="Then it pauses where the gate is unsure",
    )
    least_runs: int = Field(
        default=1, ge=0, le=asking.MOST_RUNS, description="That a ring has to show"
    )
    most_failed_upgrades: int = Field(default=10, ge=0, le=100, description="Percent")
    most_failed_runs: int = Field(default=5, ge=0, le=100, description="Percent")
    most_with_exceptions: int = Field(default=5, ge=0, le=100, description="Percent")
    most_slower: int = Field(default=100, ge=0, le=10_000, description="Percent; 100 is twice")
    tries_cases: bool = Field(default=True, description="The template's cases, in each sandbox")
    at_once: int = Field(default=4, ge=1, le=16, description="Installations at a time")
    per_minute: int = Field(default=120, ge=1, le=6_000, description="Upgrades at most")
    note: str = Field(default="", max_length=500, description="Why")


class StepIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    step: Literal["pause", "resume", "take_back", "end"] = Field(
        description="`resume` is also the word of a person where the gate was unsure"
    )
    why: str = Field(default="", max_length=500, description="For the audit trail")


class _OfPartners(APIView):
    """Of shared rows, which no tenant's role reads: the tenant is left for the answer."""

    permission_classes = [IsMember]

    def owners(self, permission: PartnerPermission) -> list[Partner] | None:
        """Whose rollouts these are to the caller. None: everybody's."""
        return partners_with(self.request._request, permission)

    def partner(self, slug: str) -> Partner | None:
        """Whose customers a new one goes to: the named partner's, or those of the only one. None:
        everybody's. Raises PermissionDenied, WhoseCustomers.
        """
        owners = self.owners(ROLL_OUT) or []
        if not owners:
            raise PermissionDenied("Only managers of a partner roll out to its customers.")
        return one_of(owners, slug)

    def require_step(self, rollout: Rollout) -> None:
        """Raises PermissionDenied."""
        seat_in(self.request._request, rollout.partner, ROLL_OUT)

    def rollout(self, rollout_id: uuid.UUID) -> Rollout:
        """Raises RolloutUnknown."""
        return asking.get_rollout(rollout_id, owners=self.owners(SEE))

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        with outside():
            return super().dispatch(request, *args, **kwargs)


class Rollouts(_OfPartners, ListAPIView[Rollout]):
    """Rollouts of the caller's partners, newest first."""

    serializer_class = RolloutSerializer
    queryset = Rollout.objects.select_related("template", "release", "partner")

    def get_queryset(self) -> Any:
        owners, found = self.owners(SEE), super().get_queryset().order_by("-created_at")
        if owners is not None:
            found = found.filter(partner__in=owners)
        given = {name: self.request.query_params.get(name) for name in ("status", "template")}
        if given["status"]:
            found = found.filter(status=given["status"])
        return found.filter(template__slug=given["template"]) if given["template"] else found

    @extend_schema(
        tags=["rollouts"],
        auth=BY_SESSION,
        parameters=[
            OpenApiParameter("status", str, enum=Rollout.Status.values, description="Only such"),
            OpenApiParameter("template", str, description="Only of the template of this name"),
        ],
        responses={200: RolloutSerializer(many=True), **PROBLEM},
        operation_id="rollouts_list",
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Rollouts to the customers of the caller's partners, newest first."""
        return super().get(request, *args, **kwargs)

    @extend_schema(
        tags=["rollouts"],
        auth=BY_SESSION,
        request=RolloutIn,
        responses={201: RolloutDetailSerializer, **PROBLEM},
        operation_id="rollouts_create",
    )
    def post(self, request: Request) -> Response:
        """Begin one, for the customers whose automation the partner runs; workers carry it out."""
        data = RolloutIn.model_validate(request.data)
        partner = self.partner(data.partner)
        partners = None if partner is None else [partner]
        release = asking.newest_live(data.template, data.version, partners=partners)
        begun = asking.begin(
            release_id=release.pk,
            partner=partner,
            by=request.user.actor,
            **data.model_dump(exclude={"template", "version", "partner"}),
        )
        return Response(RolloutDetailSerializer(begun).data, status=201)


class RolloutDetail(_OfPartners):
    @extend_schema(
        tags=["rollouts"],
        auth=BY_SESSION,
        responses={200: RolloutDetailSerializer, **PROBLEM},
        operation_id="rollouts_retrieve",
    )
    def get(self, request: Request, rollout_id: uuid.UUID) -> Response:
        """How far it is: ring by ring, with what the gate has seen, and each step with its why."""
        return Response(RolloutDetailSerializer(self.rollout(rollout_id)).data)


class Places(_OfPartners, ListAPIView[RolloutPlace]):
    """What became of each installation, by ring."""

    serializer_class = PlaceSerializer
    queryset = RolloutPlace.objects.select_related("tenant")

    def get_queryset(self) -> Any:
        rollout = self.rollout(self.kwargs["rollout_id"])
        found = super().get_queryset().filter(rollout=rollout).order_by("ring", "pk")
        status = self.request.query_params.get("status")
        return found.filter(status=status) if status else found

    @extend_schema(
        tags=["rollouts"],
        auth=BY_SESSION,
        parameters=[
            OpenApiParameter(
                "status", str, enum=RolloutPlace.Status.values, description="Only such"
            )
        ],
        responses={200: PlaceSerializer(many=True), **PROBLEM},
        operation_id="rollouts_places_list",
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What became of each tenant's installation, and why."""
        return super().get(request, *args, **kwargs)


class Steps(_OfPartners):
    @extend_schema(
        tags=["rollouts"],
        auth=BY_SESSION,
        request=StepIn,
        responses={200: RolloutDetailSerializer, **PROBLEM},
        operation_id="rollouts_steps_create",
    )
    def post(self, request: Request, rollout_id: uuid.UUID) -> Response:
        """Pause it, resume it, end it here, or take it back everywhere. 409 where it cannot be."""
        rollout = self.rollout(rollout_id)
        self.require_step(rollout)
        data = StepIn.model_validate(request.data)
        taken = asking.STEPS[data.step](rollout_id=rollout.pk, why=data.why, by=request.user.actor)
        return Response(RolloutDetailSerializer(taken).data)


def one_of(owners: list[Partner], slug: str) -> Partner:
    """The named one, or the only one. Raises WhoseCustomers."""
    found = [partner for partner in owners if slug in ("", partner.slug)]
    if len(found) == 1:
        return found[0]
    named = ", ".join(partner.slug for partner in owners)
    raise WhoseCustomers(
        f"Say in “partner” whose customers it is for: {named}.",
        errors=(FieldError("partner", f"must be one of {named}"),),
    )
