"""A partner's own templates, as the portal has them: imported, shaped, tried, and released."""

import json
import uuid
from typing import Any, Literal

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from pydantic import BaseModel, ConfigDict, Field
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from controlplane.api.authentication import IsMember
from controlplane.api.openapi import BY_SESSION, PROBLEM
from controlplane.api.rollouts import one_of
from controlplane.catalog import importing, releases
from controlplane.catalog.models import CaseRun, Release, ReleaseUnknown, Template
from controlplane.catalog.proof import proof_of
from controlplane.catalog.shaping import write_draft
from controlplane.catalog.trying import trials
from controlplane.core.errors import DomainError, FieldError
from tenants import access
from tenants.context import outside
from tenants.models import Partner, Tenant
from tenants.partner_seats import partners_with, seat_in
from tenants.permissions import PartnerPermission, Permission

RELEASE = PartnerPermission.RELEASE
MOST_RUNS = 50


class SandboxUnknown(DomainError):
    code = "sandbox_unknown"
    status = 422
    title = "There is no such sandbox for it"


class OwnReleaseSerializer(serializers.ModelSerializer[Release]):
    template: Any = serializers.CharField(source="template.slug", read_only=True)
    title: Any = serializers.CharField(source="template.title", read_only=True)
    owner: Any = serializers.CharField(source="template.owner.slug", read_only=True)

    class Meta:
        model = Release
        fields = [
            "id", "template", "title", "owner", "version", "status", "notes", "author",
            "workflow_hash", "released_at", "updated_at",
        ]  # fmt: skip
        read_only_fields = fields


class CaseRunSerializer(serializers.ModelSerializer[CaseRun]):
    """`results` are those so far while it runs."""

    sandbox: Any = serializers.CharField(
        source="sandbox.slug", read_only=True, default=None, allow_null=True
    )
    results: Any = serializers.ListField(child=serializers.DictField(), read_only=True)

    class Meta:
        model = CaseRun
        fields = [
            "id", "status", "sandbox", "passed", "failed", "results", "error", "n8n_version",
            "ran_by", "ran_at",
        ]  # fmt: skip
        read_only_fields = fields


class OwnReleaseDetailSerializer(OwnReleaseSerializer):
    """`proof` is what lets it go live: passed, missing, failed, or impossible; `proof_told` why."""

    manifest: Any = serializers.DictField(read_only=True)
    workflow: Any = serializers.DictField(read_only=True)
    cases: Any = serializers.DictField(read_only=True)
    findings: Any = serializers.DictField(read_only=True)
    steps: Any = serializers.ListField(child=serializers.DictField(), read_only=True)
    proposed_parameters: Any = serializers.SerializerMethodField()
    sandboxes: Any = serializers.SerializerMethodField()
    proof: Any = serializers.SerializerMethodField()
    proof_told: Any = serializers.SerializerMethodField()
    last_trial: Any = serializers.SerializerMethodField()

    class Meta(OwnReleaseSerializer.Meta):
        fields = [
            *OwnReleaseSerializer.Meta.fields, "readme", "manifest", "workflow", "cases",
            "findings", "steps", "proposed_parameters", "sandboxes", "proof", "proof_told",
            "last_trial",
        ]  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(serializers.ListField(child=serializers.DictField()))
    def get_proposed_parameters(self, release: Release) -> list[dict[str, Any]]:
        return [spec.model_dump(mode="json") for spec in importing.proposed(release)]

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_sandboxes(self, release: Release) -> list[str]:
        return [sandbox.slug for sandbox in sandboxes(self.context["request"], release)]

    @extend_schema_field(
        serializers.ChoiceField(choices=["passed", "missing", "failed", "impossible"])
    )
    def get_proof(self, release: Release) -> str:
        return proof_of(release).shown

    @extend_schema_field(serializers.CharField())
    def get_proof_told(self, release: Release) -> str:
        return proof_of(release).told

    @extend_schema_field(CaseRunSerializer(allow_null=True))
    def get_last_trial(self, release: Release) -> Any:
        run = release.case_runs.select_related("sandbox").first()
        return None if run is None else CaseRunSerializer(run).data


class ImportIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    workflow: dict[str, Any] | list[Any] = Field(description="What n8n exported")
    partner: str = Field(
        default="", max_length=60, description="Short name; needed by a manager of several"
    )
    template: str = Field(
        default="", max_length=60, description="Short name of the partner's own, for a new version"
    )
    title: str = Field(default="", max_length=120, description="Else the workflow's name")
    version: str = Field(default="", max_length=20, description="Else the next one")


class DraftIn(BaseModel):
    """What is left out stays."""

    model_config = ConfigDict(extra="forbid")

    summary: str | None = Field(default=None, min_length=1, max_length=600)
    readme: str | None = Field(default=None, max_length=50_000, description="Markdown")
    notes: str | None = Field(default=None, max_length=5_000, description="What is new in it")
    events: list[str] | None = Field(default=None, description="That start it")
    scopes: list[str] | None = Field(default=None, description="What its Pergola nodes may do")
    parameters: list[dict[str, Any]] | None = Field(
        default=None,
        description="All of them, as in a manifest; without `uses` one keeps where it stands",
    )
    cases: dict[str, Any] | None = Field(default=None, description="By name")


class TrialIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    sandbox: str = Field(description="One of `sandboxes`", min_length=1, max_length=63)


class ReleaseStepIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    step: Literal["live", "deprecate"]
    note: str = Field(
        default="", max_length=500, description="Why; needed where no case is possible"
    )


class _OfOwners(APIView):
    """Of shared rows, which no tenant's role writes: the tenant is left for the answer."""

    permission_classes = [IsMember]

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        with outside():
            return super().dispatch(request, *args, **kwargs)

    def owners(self) -> list[Partner]:
        """Whose templates are the caller's to release. Raises PermissionDenied."""
        request = self.request._request
        access.require(Permission.INSTALLATIONS, request.member, request.tenant)
        return partners_with(request, RELEASE)

    def release(self, release_id: uuid.UUID) -> Release:
        """Raises ReleaseUnknown: anybody else's is not there."""
        found = Release.objects.filter(pk=release_id, template__owner__in=self.owners())
        release = found.select_related("template__owner").first()
        if release is None:
            raise ReleaseUnknown(f"There is no release {release_id} of yours.")
        return release

    def shown(self, release: Release, status: int = 200) -> Response:
        context = {"request": self.request._request}
        return Response(OwnReleaseDetailSerializer(release, context=context).data, status=status)


class OwnReleases(_OfOwners, ListAPIView[Release]):
    """Releases of the caller's partners, newest first."""

    serializer_class = OwnReleaseSerializer
    queryset = Release.objects.select_related("template__owner").order_by("-updated_at", "pk")

    def get_queryset(self) -> Any:
        found = super().get_queryset().filter(template__owner__in=self.owners())
        found = found.defer("workflow", "manifest", "cases", "case_files", "findings", "readme")
        given = {name: self.request.query_params.get(name) for name in ("status", "template")}
        if given["status"]:
            found = found.filter(status=given["status"])
        return found.filter(template__slug=given["template"]) if given["template"] else found

    @extend_schema(
        tags=["releases"],
        auth=BY_SESSION,
        parameters=[
            OpenApiParameter("status", str, enum=Release.Status.values, description="Only such"),
            OpenApiParameter("template", str, description="Only of the template of this name"),
        ],
        responses={200: OwnReleaseSerializer(many=True), **PROBLEM},
        operation_id="releases_list",
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Releases of the caller's partners, drafts too, newest first."""
        return super().get(request, *args, **kwargs)

    @extend_schema(
        tags=["releases"],
        auth=BY_SESSION,
        request=ImportIn,
        responses={201: OwnReleaseSerializer(many=True), **PROBLEM},
        operation_id="releases_import",
    )
    def post(self, request: Request) -> Response:
        """Import what n8n exported: a clean draft of each workflow."""
        owners = self.owners()
        if not owners:
            raise PermissionDenied("Only managers of a partner import its templates.")
        data = ImportIn.model_validate(request.data)
        owner, template = one_of(owners, data.partner), None
        if data.template:
            template = Template.objects.filter(slug=data.template, owner=owner).first()
            if template is None:
                raise ReleaseUnknown(
                    f"{owner} has no template “{data.template}”.",
                    errors=(FieldError("template", "names none"),),
                )
        made = importing.import_workflows(
            source=json.dumps(data.workflow),
            owner=owner,
            template=template,
            title=data.title,
            version=data.version,
            by=request.user.actor,
        )
        return Response(OwnReleaseSerializer(made, many=True).data, status=201)


class OwnReleaseDetail(_OfOwners):
    @extend_schema(
        tags=["releases"],
        auth=BY_SESSION,
        responses={200: OwnReleaseDetailSerializer, **PROBLEM},
        operation_id="releases_retrieve",
    )
    def get(self, request: Request, release_id: uuid.UUID) -> Response:
        """One release whole, with what is proposed, where it can be tried, and what it lacks."""
        return self.shown(self.release(release_id))

    @extend_schema(
        tags=["releases"],
        auth=BY_SESSION,
        request=DraftIn,
        responses={200: OwnReleaseDetailSerializer, **PROBLEM},
        operation_id="releases_change",
    )
    def patch(self, request: Request, release_id: uuid.UUID) -> Response:
        """Change a draft. 409 for what was released."""
        release = self.release(release_id)
        given = DraftIn.model_validate(request.data).model_dump(exclude_none=True)
        return self.shown(write_draft(release_id=release.pk, **given, by=request.user.actor))

    @extend_schema(
        tags=["releases"],
        auth=BY_SESSION,
        responses={204: None, **PROBLEM},
        operation_id="releases_discard",
    )
    def delete(self, request: Request, release_id: uuid.UUID) -> Response:
        """Discard a draft. 409 for what was released."""
        releases.discard(release_id=self.release(release_id).pk, by=request.user.actor)
        return Response(status=204)


class Trials(_OfOwners):
    @extend_schema(
        tags=["releases"],
        auth=BY_SESSION,
        responses={200: CaseRunSerializer(many=True), **PROBLEM},
        operation_id="releases_trials_list",
    )
    def get(self, request: Request, release_id: uuid.UUID) -> Response:
        """The latest runs of its cases, newest first, fifty at most."""
        runs = self.release(release_id).case_runs.select_related("sandbox")[:MOST_RUNS]
        return Response(CaseRunSerializer(runs, many=True).data)

    @extend_schema(
        tags=["releases"],
        auth=BY_SESSION,
        request=TrialIn,
        responses={202: CaseRunSerializer, **PROBLEM},
        operation_id="releases_try",
    )
    def post(self, request: Request, release_id: uuid.UUID) -> Response:
        """Have its cases run in a sandbox; `last_trial` of the release says how far they are."""
        release = self.release(release_id)
        data = TrialIn.model_validate(request.data)
        known = {each.slug: each for each in sandboxes(request._request, release)}
        if data.sandbox not in known:
            raise SandboxUnknown(
                f"Choose a sandbox of a customer whose automation you run: {', '.join(known)}."
                if known
                else "To try it you need a sandbox of a customer whose automation you run. A "
                "manager makes one on the customer’s sandbox page.",
                errors=(FieldError("sandbox", "is none of these"),),
            )
        run = trials.begin_trial(
            release_id=release.pk, sandbox=known[data.sandbox], by=request.user.actor
        )
        return Response(CaseRunSerializer(run).data, status=202)


class ReleaseSteps(_OfOwners):
    @extend_schema(
        tags=["releases"],
        auth=BY_SESSION,
        request=ReleaseStepIn,
        responses={200: OwnReleaseDetailSerializer, **PROBLEM},
        operation_id="releases_step",
    )
    def post(self, request: Request, release_id: uuid.UUID) -> Response:
        """Take it live, or offer it no longer. 409 where its cases have not passed."""
        release = self.release(release_id)
        data = ReleaseStepIn.model_validate(request.data)
        take = releases.go_live if data.step == "live" else releases.deprecate
        return self.shown(take(release_id=release.pk, note=data.note, by=request.user.actor))


def sandboxes(request: HttpRequest, release: Release) -> list[Tenant]:
    owner = release.template.owner
    return trials.sandboxes_for(owner, seat_in(request, owner, RELEASE)) if owner else []
