"""How much of its limits each tenant uses, on the platform's list of tenants."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import F, Func, IntegerField, QuerySet, UUIDField, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tenants.fleet_page import Bar, Column, fleet
from tenants.limits.plans import Resource, written
from tenants.limits.use import FULL, NEAR, Use, uses_of
from tenants.models import Tenant

_FROM = {"near": NEAR, "full": FULL}
_NAMES = {
    Resource.REQUESTS: gettext_lazy("requests"),
    Resource.EVENTS: gettext_lazy("events"),
    Resource.STORAGE: gettext_lazy("storage"),
    Resource.MODEL_SPEND: gettext_lazy("models"),
}


def load(tenants: Sequence[Tenant]) -> Mapping[uuid.UUID, Bar]:
    """The limit that is used most; the others are told beside it."""
    leads = {tenant.pk: tenant.lead_id for tenant in tenants}  # type: ignore[attr-defined]
    return {
        tenant_id: Bar(uses[0].percent, _told(uses[0]), "\n".join(map(_told_in_full, uses)))
        for tenant_id, uses in uses_of(leads).items()
    }


def narrow(tenants: QuerySet[Tenant], value: str) -> QuerySet[Tenant]:
    uses = uses_of(_leads(tenants))
    found = [tenant_id for tenant_id, used in uses.items() if used[0].percent >= _FROM[value]]
    return tenants.filter(pk__in=found)


class _ByUse(Func):
    """Where the tenant stands among all, the least used first; asked for when one sorts by it."""

    def __init__(self) -> None:
        super().__init__(F("pk"), output_field=IntegerField())

    def resolve_expression(self, *args: Any, **kwargs: Any) -> Any:
        uses = uses_of(_leads(fleet(Tenant.objects.all())))
        rising = sorted(uses, key=lambda tenant_id: uses[tenant_id][0].percent)
        array = Value(rising, output_field=ArrayField(UUIDField()))
        place = Func(
            array, F("pk"), function="array_position", output_field=IntegerField(),
            template="%(function)s(%(expressions)s)",
        )  # fmt: skip
        return Coalesce(place, 0).resolve_expression(*args, **kwargs)


def _leads(tenants: QuerySet[Tenant]) -> dict[uuid.UUID, uuid.UUID | None]:
    return dict(tenants.order_by().values_list("pk", "lead_id"))  # type: ignore[misc]


def _told(use: Use) -> str:
    return f"{use.percent:.0f} % {_NAMES[use.resource]}"


def _told_in_full(use: Use) -> str:
    used, allowed = written(use.resource, use.used), written(use.resource, use.allowed)
    return _("%(percent)s: %(used)s of %(allowed)s") % {
        "percent": _told(use), "used": used, "allowed": allowed,
    }  # fmt: skip


COLUMN = Column(
    name="limits",
    label=gettext_lazy("Limits"),
    load=load,
    choices=[("near", gettext_lazy("80 % used or more")), ("full", gettext_lazy("Used up"))],
    narrow=narrow,
    alarm="near",
    order=_ByUse(),
)
