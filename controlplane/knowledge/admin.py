"""Knowledge in a tenant's admin, to look at: services change it, in the portal and the API."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import action

from controlplane.core.admin import ReadOnlyInline, ReadOnlyTenantModelAdmin, actor_of
from controlplane.knowledge.models import Chunk, Collection, Document, DocumentVersion
from controlplane.knowledge.services.indexing import reindex


@admin.register(Collection)
class CollectionAdmin(ReadOnlyTenantModelAdmin):
    list_display = ["name", "slug", "language", "is_active", "created_at"]
    list_filter = ["language", "is_active"]
    search_fields = ["name", "slug"]
    actions = ["index_again"]

    @action(description=_("Index again, after the index or the embedding model was changed"))
    def index_again(self, request: HttpRequest, queryset: QuerySet[Collection]) -> None:
        count = reindex(collections=queryset, by=actor_of(request))
        messages.info(
            request,
            ngettext("%d document is indexed again.", "%d documents are indexed again.", count)
            % count,
        )


class VersionInline(ReadOnlyInline):
    model = DocumentVersion
    fields = ["number", "kind", "status", "created_by", "approved_by", "approved_at", "failure"]
    show_change_link = True


@admin.register(Document)
class DocumentAdmin(ReadOnlyTenantModelAdmin):
    list_display = ["title", "collection", "filename", "created_at", "retired_at"]
    list_filter = ["collection"]
    list_select_related = ["collection"]
    search_fields = ["title", "filename"]
    inlines = [VersionInline]


class ChunkInline(ReadOnlyInline):
    model = Chunk
    fields = ["position", "heading", "text", "length"]


@admin.register(DocumentVersion)
class DocumentVersionAdmin(ReadOnlyTenantModelAdmin):
    list_display = ["document", "number", "kind", "status", "created_by", "created_at"]
    list_filter = ["status", "kind"]
    list_select_related = ["document"]
    search_fields = ["document__title", "=sha256"]
    inlines = [ChunkInline]
