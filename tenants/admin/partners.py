"""Partners and their brands."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminColorInputWidget

from controlplane.core.admin import SharedModelAdmin
from tenants.models import Partner


@admin.register(Partner)
class PartnerAdmin(SharedModelAdmin):
    list_display = ["name", "kind", "slug", "support_email"]
    list_filter = ["kind"]
    search_fields = ["name", "slug"]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "brand_color":
            kwargs["widget"] = UnfoldAdminColorInputWidget
        return super().formfield_for_dbfield(db_field, request, **kwargs)
