"""The figures on top of the fleet page: how many in which state, and which need a hand."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q
from django.utils.translation import gettext as _

from tenants.admin.filters import BEHIND, is_behind
from tenants.fleet_page import columns, fleet
from tenants.models import Tenant

RELEASES = 5
_TONES = {
    Tenant.Status.ACTIVE: "success",
    Tenant.Status.PROVISIONING: "info",
    Tenant.Status.SUSPENDED: "danger",
    Tenant.Status.LEAVING: "warning",
}


@dataclass(frozen=True)
class Figure:
    """A number that leads to the tenants behind it; `share` is its part of all, in percent."""

    label: Any
    count: int
    share: float
    tone: str
    query: str


def summary() -> dict[str, Any]:
    """With three queries, and one more for each column that raises alarms."""
    found = Tenant.objects.aggregate(
        total=Count("pk"),
        sandboxes=Count("pk", filter=Q(environment=Tenant.Environment.SANDBOX)),
        behind=Count("pk", filter=is_behind()),
        **{status: Count("pk", filter=Q(status=status)) for status in Tenant.Status.values},
    )
    total = found["total"] or 1

    def figure(label: Any, count: int, tone: str, query: str) -> Figure:
        return Figure(label, count, round(100 * count / total, 1), tone, query)

    alarms = [figure(_("Schema behind"), found["behind"], "warning", f"schema={BEHIND}")]
    for column in columns():
        if column.alarm and column.narrow:
            count = column.narrow(fleet(Tenant.objects.all()), column.alarm).count()
            label = f"{column.label}: {dict(column.choices)[column.alarm]}"
            alarms.append(figure(label, count, "danger", f"{column.name}={column.alarm}"))
    releases = (
        Tenant.objects.exclude(status=Tenant.Status.PROVISIONING)
        .values("release")
        .annotate(count=Count("pk"))
        .order_by("-count")[:RELEASES]
    )
    return {
        "total": found["total"],
        "sandboxes": found["sandboxes"],
        "statuses": [
            figure(
                str(label).partition(":")[0],
                found[status],
                _TONES[Tenant.Status(status)],
                f"status__exact={status}",
            )
            for status, label in Tenant.Status.choices
        ],
        "alarms": alarms,
        "releases": [
            figure(row["release"] or _("not noted"), row["count"], "plain", "") for row in releases
        ],
    }
