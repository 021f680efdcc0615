"""How long earlier versions of an installation's workflow are kept, and who upgraded it when."""

from django.db.models import OuterRef, Q, Subquery
from django.utils.translation import gettext_lazy as _

from controlplane.catalog.models import Installation, Snapshot, Upgrade
from tenants.retention.classes import DataClass, Rows, RowStore, hold_back, register_class


def register() -> None:
    register_class(
        DataClass(
            "workflows",
            _("Versions of workflows"),
            _("What stood in n8n before an upgrade, a restoration or new values."),
            [RowStore(Upgrade, "created_at"), RowStore(Snapshot, "taken_at")],
        )
    )
    hold_back(Upgrade, _without_what_is_under_way)
    hold_back(Snapshot, _without_ways_back)


def _without_what_is_under_way(upgrades: Rows) -> Rows:
    return upgrades.exclude(status__in=Upgrade.UNDER_WAY)


def _without_ways_back(snapshots: Rows) -> Rows:
    """The newest of what is installed, and those that something is about to be restored from."""
    newest = Snapshot.objects.filter(installation=OuterRef("pk")).order_by("-taken_at")
    present = Installation.objects.present().annotate(way_back=Subquery(newest.values("pk")[:1]))
    under_way = Upgrade.objects.under_way()
    return snapshots.exclude(
        Q(pk__in=present.exclude(way_back=None).values("way_back"))
        | Q(pk__in=under_way.exclude(target=None).values("target"))
        | Q(pk__in=under_way.exclude(before=None).values("before"))
    )
