"""Templates that a tenant may clone, and what it has cloned."""

import uuid
from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema, extend_schema_field
from pydantic import BaseModel, ConfigDict, Field
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from controlplane.api.openapi import BY_KEY, BY_SESSION, PROBLEM
from controlplane.api.operations import require_scope
from controlplane.catalog import cloning, services
from controlplane.catalog.models import Installation, Release, Template
from controlplane.catalog.schema import parameters_schema

READ = "installations:read"
WRITE = "installations:write"
_AUTH: list[Any] = [*BY_KEY, *BY_SESSION]


class ReleaseSerializer(serializers.ModelSerializer[Release]):
    """`parameters` is a JSON Schema of the object that an installation takes."""

    events: Any = serializers.ListField(
        child=serializers.CharField(), source="terms.events", read_only=True
    )
    connections: Any = serializers.ListField(
        child=serializers.CharField(), source="terms.connections", read_only=True
    )
    packages: Any = serializers.ListField(
        child=serializers.CharField(), source="terms.packages", read_only=True
    )
    n8n_minimum: Any = serializers.CharField(source="terms.n8n_minimum", read_only=True)
    parameters: Any = serializers.SerializerMethodField()

    class Meta:
        model = Release
        fields = [
            "id", "version", "status", "workflow_hash", "notes", "author", "released_at", "events",
            "connections", "packages", "n8n_minimum", "parameters",
        ]  # fmt: skip
        read_only_fields = fields

    @extend_schema_field({"type": "object", "description": "JSON Schema"})
    def get_parameters(self, release: Release) -> dict[str, Any]:
        return parameters_schema(release.terms)


class TemplateSerializer(serializers.ModelSerializer[Template]):
    latest: Any = ReleaseSerializer(read_only=True)

    class Meta:
        model = Template
        fields = ["id", "slug", "title", "summary", "latest"]
        read_only_fields = fields


class InstallationSerializer(serializers.ModelSerializer[Installation]):
    class Meta:
        model = Installation
        fields = [
            "id", "template_slug", "template_title", "release_version", "status", "parameters",
            "workflow_id", "workflow_name", "last_error", "installed_at", "installed_by",
        ]  # fmt: skip
        read_only_fields = fields


class InstallationIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    template: str = Field(description="Short name of the template", min_length=1, max_length=60)
    version: str = Field(default="", description="Else the latest that is live", max_length=20)
    parameters: dict[str, Any] = Field(
        default_factory=dict, description="As the release's JSON Schema says"
    )
    wait: bool = Field(default=True, description="Answer once it is active, or has failed")


class ParametersIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    parameters: dict[str, Any] = Field(description="All of them, as the JSON Schema says")


class Templates(ListAPIView[Template]):
    """Templates that have a live release, by title."""

    serializer_class = TemplateSerializer
    queryset = Template.objects.offered().prefetch_related("releases")

    @extend_schema(
        tags=["installations"],
        auth=_AUTH,
        responses={200: TemplateSerializer(many=True), **PROBLEM},
        operation_id="templates_list",
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Templates that have a live release, with their parameters as JSON Schema."""
        require_scope(READ, request.user.actor)
        return super().get(request, *args, **kwargs)


class TemplateDetail(APIView):
    @extend_schema(
        tags=["installations"],
        auth=_AUTH,
        responses={200: TemplateSerializer, **PROBLEM},
        operation_id="templates_retrieve",
    )
    def get(self, request: Request, template: str) -> Response:
        """One template with its latest release."""
        require_scope(READ, request.user.actor)
        found = Template.objects.offered().prefetch_related("releases").filter(slug=template)
        if not found:
            raise Http404(f"There is no template “{template}”.")
        return Response(TemplateSerializer(found[0]).data)


class Installations(ListAPIView[Installation]):
    """What is installed, newest first."""

    serializer_class = InstallationSerializer
    queryset = Installation.objects.present().order_by("-installed_at")

    @extend_schema(
        tags=["installations"],
        auth=_AUTH,
        responses={200: InstallationSerializer(many=True), **PROBLEM},
        operation_id="installations_list",
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """What is installed, newest first."""
        require_scope(READ, request.user.actor)
        return super().get(request, *args, **kwargs)

    @extend_schema(
        tags=["installations"],
        auth=_AUTH,
        request=InstallationIn,
        responses={201: InstallationSerializer, 202: InstallationSerializer, **PROBLEM},
        operation_id="installations_create",
    )
    def post(self, request: Request) -> Response:
        """Clone a template into the tenant's n8n: 201 once it runs or failed, else 202."""
        require_scope(WRITE, request.user.actor)
        data = InstallationIn.model_validate(request.data)
        made = cloning.clone_template(
            slug=data.template,
            version=data.version,
            parameters=data.parameters,
            wait=data.wait,
            by=request.user.actor,
        )
        return Response(InstallationSerializer(made).data, status=201 if data.wait else 202)


class InstallationDetail(APIView):
    @extend_schema(
        tags=["installations"],
        auth=_AUTH,
        responses={200: InstallationSerializer, **PROBLEM},
        operation_id="installations_retrieve",
    )
    def get(self, request: Request, installation_id: uuid.UUID) -> Response:
        """One installation, and how it stands."""
        require_scope(READ, request.user.actor)
        return Response(InstallationSerializer(services.get_installation(installation_id)).data)

    @extend_schema(
        tags=["installations"],
        auth=_AUTH,
        request=ParametersIn,
        responses={200: InstallationSerializer, **PROBLEM},
        operation_id="installations_update",
    )
    def put(self, request: Request, installation_id: uuid.UUID) -> Response:
        """New values of its parameters; what was edited in n8n stays."""
        require_scope(WRITE, request.user.actor)
        data = ParametersIn.model_validate(request.data)
        changed = services.change_parameters(
            installation_id=installation_id, parameters=data.parameters, by=request.user.actor
        )
        return Response(InstallationSerializer(changed).data)
