"""Upgrades of an installation, and its versions of before, as portal and commands have them."""

import uuid
from typing import Any, Literal

from drf_spectacular.utils import OpenApiParameter, extend_schema
from pydantic import BaseModel, ConfigDict, Field
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from controlplane.api.installations import READ, WRITE
from controlplane.api.openapi import BY_KEY, BY_SESSION, PROBLEM
from controlplane.api.operations import require_scope
from controlplane.catalog.models import Snapshot, Upgrade
from controlplane.catalog.services import get_installation
from controlplane.catalog.upgrades.asking import get_upgrade, restore, retry_upgrade, upgrade
from controlplane.catalog.upgrades.planning import Plan, plan_upgrade, wanted_release

_AUTH: list[Any] = [*BY_KEY, *BY_SESSION]
_VERSION = OpenApiParameter("version", str, description="Else the latest that is live")


class UpgradeSerializer(serializers.ModelSerializer[Upgrade]):
    """`conflicts` are those that stopped it, `hash_before` is of the version that was kept."""

    conflicts: Any = serializers.ListField(
        child=serializers.DictField(child=serializers.CharField()), read_only=True
    )
    snapshot_id: Any = serializers.UUIDField(source="before_id", read_only=True, allow_null=True)
    hash_after: Any = serializers.CharField(source="expected_hash", read_only=True)

    class Meta:
        model = Upgrade
        fields = [
            "id", "status", "step", "is_restore", "from_version", "to_version", "conflicts",
            "error", "snapshot_id", "hash_after", "asked_by", "created_at", "ended_at",
        ]  # fmt: skip
        read_only_fields = fields


class SnapshotSerializer(serializers.ModelSerializer[Snapshot]):
    class Meta:
        model = Snapshot
        fields = ["id", "why", "workflow_hash", "release_version", "taken_at", "taken_by"]
        read_only_fields = fields


class QuestionSerializer(serializers.Serializer[Any]):
    """A conflict in words, with both sides; `choice` is what was decided before."""

    key: Any = serializers.CharField()
    text: Any = serializers.CharField()
    mine: Any = serializers.CharField()
    theirs: Any = serializers.CharField()
    choice: Any = serializers.CharField(allow_null=True)


class PlanSerializer(serializers.Serializer[Any]):
    """`seen` goes along with the upgrade: it says which workflow was looked at."""

    from_version: Any = serializers.CharField()
    to_version: Any = serializers.CharField()
    release_changes: Any = serializers.ListField(child=serializers.CharField())
    own_changes: Any = serializers.ListField(child=serializers.CharField())
    questions: Any = QuestionSerializer(many=True)
    is_clean: Any = serializers.BooleanField()
    seen: Any = serializers.CharField()


class UpgradeIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version: str = Field(default="", description="Else the latest that is live", max_length=20)
    seen: str = Field(
        default="", description="`seen` of the plan; refused where it was edited since",
        max_length=64,
    )  # fmt: skip
    choices: dict[str, Literal["ours", "theirs"]] = Field(
        default_factory=dict, description="By a question's key: the tenant's, or the release's"
    )
    take: Literal["ours", "theirs"] | None = Field(
        default=None, description="For all questions that have no choice"
    )
    parameters: dict[str, Any] = Field(
        default_factory=dict, description="Values that the release asks for besides"
    )


class UpgradePlan(APIView):
    @extend_schema(
        tags=["installations"],
        auth=_AUTH,
        parameters=[_VERSION],
        responses={200: PlanSerializer, **PROBLEM},
        operation_id="installations_upgrade_plan",
    )
    def get(self, request: Request, installation_id: uuid.UUID) -> Response:
        """What an upgrade would change, and what has to be decided. Reads n8n, writes nothing."""
        require_scope(READ, request.user.actor)
        installation = get_installation(installation_id)
        release = wanted_release(installation, str(request.query_params.get("version", "")))
        plan = plan_upgrade(installation_id=installation_id, release_id=release.pk)
        return Response(PlanSerializer(_told(plan)).data)


class Upgrades(ListAPIView[Upgrade]):
    """Upgrades and restorations of one installation, newest first."""

    serializer_class = UpgradeSerializer
    queryset = Upgrade.objects.order_by("-created_at")

    def get_queryset(self) -> Any:
        installation = get_installation(self.kwargs["installation_id"])
        return super().get_queryset().filter(installation=installation)

    @extend_schema(
        tags=["installations"],
        auth=_AUTH,
        responses={200: UpgradeSerializer(many=True), **PROBLEM},
        operation_id="installations_upgrades_list",
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Upgrades and restorations, newest first."""
        require_scope(READ, request.user.actor)
        return super().get(request, *args, **kwargs)

    @extend_schema(
        tags=["installations"],
        auth=_AUTH,
        request=UpgradeIn,
        responses={202: UpgradeSerializer, **PROBLEM},
        operation_id="installations_upgrades_create",
    )
    def post(self, request: Request, installation_id: uuid.UUID) -> Response:
        """Upgrade it; a worker writes it into n8n. 409 names the questions that are open."""
        require_scope(WRITE, request.user.actor)
        data = UpgradeIn.model_validate(request.data)
        release = wanted_release(get_installation(installation_id), data.version)
        noted = upgrade(
            installation_id=installation_id,
            release_id=release.pk,
            seen=data.seen,
            choices={key: str(choice) for key, choice in data.choices.items()},
            take=data.take,
            parameters=data.parameters,
            by=request.user.actor,
        )
        return Response(UpgradeSerializer(noted).data, status=202)


class UpgradeDetail(APIView):
    @extend_schema(
        tags=["installations"],
        auth=_AUTH,
        responses={200: UpgradeSerializer, **PROBLEM},
        operation_id="installations_upgrades_retrieve",
    )
    def get(self, request: Request, installation_id: uuid.UUID, upgrade_id: uuid.UUID) -> Response:
        """How far it is."""
        require_scope(READ, request.user.actor)
        return Response(UpgradeSerializer(get_upgrade(installation_id, upgrade_id)).data)


class UpgradeRetry(APIView):
    @extend_schema(
        tags=["installations"],
        auth=_AUTH,
        request=None,
        responses={202: UpgradeSerializer, **PROBLEM},
        operation_id="installations_upgrades_retry",
    )
    def post(self, request: Request, installation_id: uuid.UUID, upgrade_id: uuid.UUID) -> Response:
        """Once more what failed; it goes on where it stopped."""
        require_scope(WRITE, request.user.actor)
        noted = retry_upgrade(
            installation_id=installation_id, upgrade_id=upgrade_id, by=request.user.actor
        )
        return Response(UpgradeSerializer(noted).data, status=202)


class Snapshots(ListAPIView[Snapshot]):
    """Versions that were kept of one installation, newest first."""

    serializer_class = SnapshotSerializer
    queryset = Snapshot.objects.order_by("-taken_at")

    def get_queryset(self) -> Any:
        installation = get_installation(self.kwargs["installation_id"])
        return super().get_queryset().filter(installation=installation).defer("workflow")

    @extend_schema(
        tags=["installations"],
        auth=_AUTH,
        responses={200: SnapshotSerializer(many=True), **PROBLEM},
        operation_id="installations_versions_list",
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What stood in n8n each time before Pergola wrote to it, newest first."""
        require_scope(READ, request.user.actor)
        return super().get(request, *args, **kwargs)


class Restore(APIView):
    @extend_schema(
        tags=["installations"],
        auth=_AUTH,
        request=None,
        responses={202: UpgradeSerializer, **PROBLEM},
        operation_id="installations_versions_restore",
    )
    def post(
        self, request: Request, installation_id: uuid.UUID, snapshot_id: uuid.UUID
    ) -> Response:
        """Put that version back, with its release and values; a worker does it."""
        require_scope(WRITE, request.user.actor)
        noted = restore(
            installation_id=installation_id, snapshot_id=snapshot_id, by=request.user.actor
        )
        return Response(UpgradeSerializer(noted).data, status=202)


def _told(plan: Plan) -> dict[str, Any]:
    return {
        "from_version": plan.before.version,
        "to_version": plan.release.version,
        "release_changes": plan.release_changes(),
        "own_changes": plan.own_changes(),
        "questions": plan.questions(),
        "is_clean": plan.merged.clean,
        "seen": plan.seen.mark,
    }
