"""A tenant's knowledge: collections, documents, their versions, approval.

Machines bring documents in with a key; what of them is searched, a person decides.
"""

import uuid
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from pydantic import BaseModel, ConfigDict, Field
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from controlplane.api.openapi import BY_KEY, BY_SESSION, PROBLEM
from controlplane.api.operations import require_scope, require_to_list
from controlplane.api.problems import InputInvalid
from controlplane.core.actor import Actor
from controlplane.core.errors import FieldError
from controlplane.knowledge.models import Collection, Document, DocumentVersion
from controlplane.knowledge.services import approval, collections, documents

READ = "knowledge:read"
WRITE = "knowledge:write"
_AUTH: list[Any] = [*BY_KEY, *BY_SESSION]


class CollectionSerializer(serializers.ModelSerializer[Collection]):
    class Meta:
        model = Collection
        fields = ["id", "slug", "name", "language", "is_active", "created_at"]
        read_only_fields = fields


class VersionSerializer(serializers.ModelSerializer[DocumentVersion]):
    class Meta:
        model = DocumentVersion
        fields = [
            "id", "number", "kind", "status", "sha256", "size", "failure_code", "failure", "notes",
            "created_at", "created_by", "approved_at", "approved_by", "retired_at",
        ]  # fmt: skip
        read_only_fields = fields


class DocumentSerializer(serializers.ModelSerializer[Document]):
    collection: Any = serializers.SlugRelatedField("slug", read_only=True)
    versions = VersionSerializer(many=True, read_only=True)

    class Meta:
        model = Document
        fields = [
            "id", "collection", "title", "filename", "source_url", "tags", "created_at",
            "retired_at", "versions",
        ]  # fmt: skip
        read_only_fields = fields


class CollectionIn(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    slug: str = Field(description="Short name, unique in the tenant", min_length=1, max_length=60)
    name: str = Field(description="What people read", min_length=1, max_length=120)
    language: str = Field(default="en", description="ISO 639-1: en, de", pattern="^[a-z]{2}$")


class DocumentFile(serializers.Serializer[Any]):
    """A file with what is to be known about it."""

    file = serializers.FileField(help_text="Markdown, HTML, text, PDF, or CSV of pairs")
    collection = serializers.SlugField(help_text="The collection's short name")
    title = serializers.CharField(required=False, help_text="Else the file's name")
    kind = serializers.ChoiceField(
        DocumentVersion.Kind.choices, required=False, help_text="Else by the file's name"
    )
    source_url = serializers.CharField(required=False, help_text="Where people read it")
    tags = serializers.CharField(required=False, help_text="With commas between them")


class VersionFile(serializers.Serializer[Any]):
    """A new text of the document."""

    file = serializers.FileField(help_text="Markdown, HTML, text, PDF, or CSV of pairs")
    kind = serializers.ChoiceField(
        DocumentVersion.Kind.choices, required=False, help_text="Else by the file's name"
    )


class ApprovalIn(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version_id: uuid.UUID = Field(description="The version that was looked at")


class Collections(ListAPIView[Collection]):
    """Collections, by name."""

    serializer_class = CollectionSerializer
    queryset = Collection.objects.all()

    @extend_schema(
        tags=["knowledge"],
        auth=_AUTH,
        responses={200: CollectionSerializer(many=True), **PROBLEM},
        operation_id="knowledge_collections_list",
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Collections, by name."""
        require_to_list(READ, request.user.actor)
        return super().get(request, *args, **kwargs)

    @extend_schema(
        tags=["knowledge"],
        auth=_AUTH,
        request=CollectionIn,
        responses={201: CollectionSerializer, **PROBLEM},
        operation_id="knowledge_collections_create",
    )
    def post(self, request: Request) -> Response:
        """Make a collection."""
        require_scope(WRITE, request.user.actor)
        data = CollectionIn.model_validate(request.data)
        made = collections.create_collection(**data.model_dump(), by=request.user.actor)
        return Response(CollectionSerializer(made).data, status=201)


class Documents(ListAPIView[Document]):
    """Documents, newest first."""

    serializer_class = DocumentSerializer
    parser_classes = [MultiPartParser]

    @extend_schema(
        tags=["knowledge"],
        auth=_AUTH,
        parameters=[
            OpenApiParameter("collection", str, description="Only those of this short name"),
            OpenApiParameter(
                "status",
                str,
                enum=DocumentVersion.Status.values,
                description="Only those with a version in this state",
            ),
        ],
        responses={200: DocumentSerializer(many=True), **PROBLEM},
        operation_id="knowledge_documents_list",
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Documents, newest first."""
        require_to_list(READ, request.user.actor)
        return super().get(request, *args, **kwargs)

    def get_queryset(self) -> Any:
        asked = self.request.query_params
        found = Document.objects.recent()
        if slug := asked.get("collection"):
            found = found.filter(collection__slug=slug)
        if status := asked.get("status"):
            found = found.filter(
                pk__in=DocumentVersion.objects.filter(status=status).values("document_id")
            )
        return found.select_related("collection").prefetch_related("versions")

    @extend_schema(
        tags=["knowledge"],
        auth=_AUTH,
        request={"multipart/form-data": DocumentFile},
        responses={202: DocumentSerializer, **PROBLEM},
        operation_id="knowledge_documents_create",
    )
    def post(self, request: Request) -> Response:
        """Add a document. It is read in the background and waits for a person's approval."""
        actor: Actor = request.user.actor
        require_scope(WRITE, actor)
        file, given = _file_of(request), request.data
        version = documents.add_document(
            collection=collections.get_collection(str(given.get("collection", ""))),
            chunks=file.chunks(),
            filename=file.name,
            content_type=file.content_type or "",
            title=given.get("title", ""),
            kind=given.get("kind", ""),
            source_url=given.get("source_url", ""),
            tags=[tag.strip() for tag in given.get("tags", "").split(",") if tag.strip()],
            by=actor,
        )
        return Response(DocumentSerializer(version.document).data, status=202)


class DocumentDetail(APIView):
    @extend_schema(
        tags=["knowledge"],
        auth=_AUTH,
        responses={200: DocumentSerializer, **PROBLEM},
        operation_id="knowledge_documents_retrieve",
    )
    def get(self, request: Request, document_id: uuid.UUID) -> Response:
        """One document with all its versions, the newest first."""
        require_to_list(READ, request.user.actor)
        return Response(DocumentSerializer(documents.get_document(document_id)).data)


class Versions(APIView):
    parser_classes = [MultiPartParser]

    @extend_schema(
        tags=["knowledge"],
        auth=_AUTH,
        request={"multipart/form-data": VersionFile},
        responses={202: DocumentSerializer, **PROBLEM},
        operation_id="knowledge_versions_create",
    )
    def post(self, request: Request, document_id: uuid.UUID) -> Response:
        """Add a new version. The approved one is searched until this one is approved."""
        actor: Actor = request.user.actor
        require_scope(WRITE, actor)
        file = _file_of(request)
        documents.add_version(
            document_id=document_id,
            chunks=file.chunks(),
            filename=file.name,
            content_type=file.content_type or "",
            kind=request.data.get("kind", ""),
            by=actor,
        )
        return Response(DocumentSerializer(documents.get_document(document_id)).data, status=202)


class Approve(APIView):
    @extend_schema(
        tags=["knowledge"],
        auth=BY_SESSION,
        request=ApprovalIn,
        responses={200: DocumentSerializer, **PROBLEM},
        operation_id="knowledge_documents_approve",
    )
    def post(self, request: Request, document_id: uuid.UUID) -> Response:
        """Have a version of the document searched from now on; for people only."""
        data = ApprovalIn.model_validate(request.data)
        version = approval.approve_version(
            version_id=data.version_id, document_id=document_id, by=request.user.actor
        )
        return Response(DocumentSerializer(version.document).data)


class Retire(APIView):
    @extend_schema(
        tags=["knowledge"],
        auth=BY_SESSION,
        request=None,
        responses={200: DocumentSerializer, **PROBLEM},
        operation_id="knowledge_documents_retire",
    )
    def post(self, request: Request, document_id: uuid.UUID) -> Response:
        """Have the document found no more; for people only."""
        found = approval.retire_document(document_id=document_id, by=request.user.actor)
        return Response(DocumentSerializer(found).data)


def _file_of(request: Request) -> Any:
    file = request.FILES.get("file")
    if file is None:
        raise InputInvalid(
            "Send the document as multipart/form-data, in the field “file”.",
            errors=(FieldError("file", "is missing"),),
        )
    return file
