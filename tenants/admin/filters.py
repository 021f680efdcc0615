"""What the fleet page can be narrowed to."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter

from tenants.fingerprint import current_fingerprint
from tenants.fleet_page import Column
from tenants.models import Engagement, Partner, Tenant

BEHIND, CURRENT = "behind", "current"


def is_behind() -> Q:
    """Has a schema, and not at the migrations of this code."""
    return ~Q(schema_fingerprint=current_fingerprint()) & ~Q(status=Tenant.Status.PROVISIONING)


class PartnerFilter(DropdownFilter):
    """Every partner that is engaged, not only the one that leads; a sandbox goes with its own."""

    title = _("partner")
    parameter_name = "partner"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, str]]:
        return [(str(pk), name) for pk, name in Partner.objects.values_list("slug", "name")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Tenant]) -> QuerySet[Tenant]:
        if not self.value():
            return queryset
        customer = Coalesce(OuterRef("sandbox_of_id"), OuterRef("pk"))
        there = Engagement.objects.filter(tenant=customer, partner__slug=self.value())
        return queryset.filter(Exists(there))


class TierFilter(DropdownFilter):
    title = _("partner's tier")
    parameter_name = "tier"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, Any]]:
        return list(Partner.Tier.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Tenant]) -> QuerySet[Tenant]:
        if not self.value():
            return queryset
        return queryset.filter(tier=self.value())  # type: ignore[misc]  # `fleet` adds it


class RegionFilter(DropdownFilter):
    title = _("region")
    parameter_name = "region"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, str]]:
        regions = Tenant.objects.exclude(region="").order_by("region")
        return [(region, region) for region in regions.values_list("region", flat=True).distinct()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Tenant]) -> QuerySet[Tenant]:
        return queryset.filter(region=self.value()) if self.value() else queryset


class SchemaFilter(DropdownFilter):
    title = _("schema")
    parameter_name = "schema"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, Any]]:
        return [(BEHIND, _("Behind")), (CURRENT, _("Current"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Tenant]) -> QuerySet[Tenant]:
        if self.value() == BEHIND:
            return queryset.filter(is_behind())
        if self.value() == CURRENT:
            return queryset.filter(schema_fingerprint=current_fingerprint())
        return queryset


class _ColumnFilter(DropdownFilter):
    column: Column

    def lookups(self, request: HttpRequest, model_admin: Any) -> Sequence[tuple[str, Any]]:
        return list(self.column.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Tenant]) -> QuerySet[Tenant]:
        offered = {value for value, _label in self.column.choices}
        if self.column.narrow is None or self.value() not in offered:
            return queryset
        return self.column.narrow(queryset, str(self.value()))


def filter_of(column: Column) -> type[_ColumnFilter]:
    attributes = {"column": column, "title": column.label, "parameter_name": column.name}
    return type(f"{column.name.title()}Filter", (_ColumnFilter,), attributes)
