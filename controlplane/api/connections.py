"""Connections to outside systems: what kinds there are, and setting them up. Secrets go in only."""

import uuid
from typing import Any, cast

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, ConfigDict, Field
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from controlplane.api.openapi import BY_KEY, BY_SESSION, PROBLEM
from controlplane.api.operations import require_scope, require_to_list
from controlplane.connections import services
from controlplane.connections.kinds import kind_named, offered, schema_of
from controlplane.connections.models import Connection
from controlplane.core.actor import Actor

READ, MANAGE = "connections:read", "connections:manage"


class KindOut(BaseModel):
    kind: str = Field(description="What to give as kind")
    label: str = Field(description="What people call it")
    protocol: str = Field(description="http, sftp or smtp")
    methods: list[str] = Field(description="What is allowed unless said otherwise")
    values: dict[str, Any] = Field(description="JSON Schema of the fields to give as values")


class KindsOut(BaseModel):
    kinds: list[KindOut] = Field(description="Every kind of connection")


class ConnectionChange(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(description="What workflows call it", max_length=80)
    values: dict[str, str] = Field(
        description="The fields of its kind. A secret that is left out stays, unless the address "
        "changes",
        max_length=30,
    )
    allowed_methods: list[str] | None = Field(
        default=None, description="Such as GET; null is what the kind allows", max_length=10
    )
    allowed_paths: list[str] = Field(
        default_factory=list, description="Such as /shops/*/orders; none is all", max_length=50
    )
    allowed_hosts: list[str] = Field(
        default_factory=list, description="Further hosts of the same system", max_length=50
    )
    is_active: bool = Field(default=True, description="Whether it may be called")


class ConnectionIn(ConnectionChange):
    kind: str = Field(description="One of the kinds, such as shopify", max_length=20)


class ConnectionSerializer(serializers.ModelSerializer[Connection]):
    class Meta:
        model = Connection
        fields = [
            "id", "name", "kind", "base_url", "options", "allowed_methods", "allowed_paths",
            "allowed_hosts", "is_active", "status", "last_error", "last_checked_at",
            "last_used_at", "created_at", "created_by", "changed_by",
        ]  # fmt: skip
        read_only_fields = fields


class Kinds(APIView):
    @extend_schema(
        tags=["connections"],
        auth=BY_KEY + BY_SESSION,
        responses={200: KindsOut, **PROBLEM},
        operation_id="connection_kinds",
    )
    def get(self, request: Request) -> Response:
        """The kinds of connections, with a schema of their fields. Needs `connections:read`."""
        require_to_list(READ, request.user.actor)
        found = [
            KindOut(
                kind=kind.name,
                label=str(kind.label),
                protocol=kind.protocol,
                methods=list(kind.methods),
                values=schema_of(kind),
            )
            for kind in offered()
        ]
        return Response(KindsOut(kinds=found).model_dump(mode="json"))


class Connections(ListAPIView[Connection]):
    """Connections, the newest first."""

    serializer_class = ConnectionSerializer

    def get_queryset(self) -> Any:
        return Connection.objects.defer("secrets").order_by("-id")

    @extend_schema(
        tags=["connections"],
        auth=BY_KEY + BY_SESSION,
        responses={200: ConnectionSerializer(many=True), **PROBLEM},
        operation_id="connections_list",
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Connections and their health, the newest first. A key needs `connections:read`."""
        require_to_list(READ, request.user.actor)
        return super().get(request, *args, **kwargs)

    @extend_schema(
        tags=["connections"],
        auth=BY_KEY + BY_SESSION,
        request=ConnectionIn,
        responses={201: ConnectionSerializer, **PROBLEM},
        operation_id="connections_create",
    )
    def post(self, request: Request) -> Response:
        """Set one up. Needs `connections:manage`; a member the permission `connections`."""
        actor = _manager(request)
        data = ConnectionIn.model_validate(request.data)
        made = services.create_connection(**data.model_dump(), by=actor)
        return Response(ConnectionSerializer(made).data, status=201)


class ConnectionDetail(APIView):
    @extend_schema(
        tags=["connections"],
        auth=BY_KEY + BY_SESSION,
        responses={200: ConnectionSerializer, **PROBLEM},
        operation_id="connections_get",
    )
    def get(self, request: Request, connection_id: uuid.UUID) -> Response:
        """One connection, without its secrets. A key needs `connections:read`."""
        require_to_list(READ, request.user.actor)
        return Response(ConnectionSerializer(services.get_connection(connection_id)).data)

    @extend_schema(
        tags=["connections"],
        auth=BY_KEY + BY_SESSION,
        request=ConnectionChange,
        responses={200: ConnectionSerializer, **PROBLEM},
        operation_id="connections_change",
    )
    def put(self, request: Request, connection_id: uuid.UUID) -> Response:
        """Change it. Needs `connections:manage`; a member the permission `connections`."""
        actor = _manager(request)
        found = services.get_connection(connection_id)
        data = ConnectionChange.model_validate(request.data).model_dump()
        if data["allowed_methods"] is None:
            data["allowed_methods"] = list(kind_named(found.kind).methods)
        changed = services.change_connection(connection=found, **data, by=actor)
        return Response(ConnectionSerializer(changed).data)

    @extend_schema(
        tags=["connections"],
        auth=BY_KEY + BY_SESSION,
        responses={204: None, **PROBLEM},
        operation_id="connections_remove",
    )
    def delete(self, request: Request, connection_id: uuid.UUID) -> Response:
        """Remove it, and its secrets. Refused while something uses it."""
        actor = _manager(request)
        services.remove_connection(connection=services.get_connection(connection_id), by=actor)
        return Response(status=204)


def _manager(request: Request) -> Actor:
    actor = cast(Actor, request.user.actor)
    require_scope(MANAGE, actor)
    return actor
