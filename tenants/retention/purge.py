"""Taking away what is older than its class may be, and looking again whether it is gone."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from controlplane.audit.services import record
from controlplane.core.actor import Actor
from controlplane.core.locks import alone
from controlplane.core.logs import get_logger
from tenants import files
from tenants.context import current_tenant, outside
from tenants.models import PurgeRun, RetentionRule, Tenant
from tenants.retention.classes import DataClass, Store, all_classes
from tenants.retention.references import unreferenced_files

FILES = "files"
# An upload writes its file before its row.
FILES_STAY = timedelta(days=1)

log = get_logger(__name__)


@dataclass(frozen=True)
class Kept:
    """How long a tenant keeps a class, and the newest purge of it."""

    data_class: DataClass
    days: int
    is_own_rule: bool
    last: PurgeRun | None


def retention_of(tenant: Tenant) -> list[Kept]:
    """Of every class, in the order of the table of terms. Called in the shared schema."""
    days = dict(RetentionRule.objects.filter(tenant=tenant).values_list("data_class", "days"))
    newest = {
        run.data_class: run
        for run in PurgeRun.objects.filter(tenant=tenant)
        .order_by("data_class", "-created_at")
        .distinct("data_class")
    }
    return [
        Kept(
            data_class=data_class,
            days=days.get(data_class.name, data_class.terms.default),
            is_own_rule=data_class.name in days,
            last=newest.get(data_class.name),
        )
        for data_class in all_classes()
    ]


def purge_entered_tenant(*, by: Actor, dry_run: bool = False) -> list[PurgeRun]:
    """Every class of the tenant that is entered, then files that no row names any more.

    Called in no transaction: each batch is one, and what is done stays done. One class that fails
    stops no other; its run says why. With `dry_run` nothing is removed and nothing kept of it.
    """
    tenant, now = current_tenant(), timezone.now()
    with outside():
        kept = retention_of(tenant)
    with alone("tenants.purge", str(tenant.pk)):
        runs = [
            _purge(tenant, one.data_class, now - timedelta(days=one.days), dry_run)
            for one in kept
            if one.data_class.terms.is_purged
        ]
        runs.append(_purge_files(tenant, now - FILES_STAY, dry_run))
    if dry_run:
        return runs
    removed = {run.data_class: run.removed for run in runs if run.removed}
    if removed:
        record(
            action="retention.purged",
            subject_type="tenant",
            subject_id=str(tenant.pk),
            data=removed,
            by=by,
        )
    with outside():
        PurgeRun.objects.bulk_create(runs)
    return runs


def _purge(tenant: Tenant, data_class: DataClass, cutoff: datetime, dry_run: bool) -> PurgeRun:
    def count() -> int:
        return sum(store.count(cutoff) for store in data_class.stores)

    def remove() -> int:
        return sum(_remove(store, cutoff) for store in data_class.stores)

    run = PurgeRun(tenant=tenant, data_class=data_class.name, cutoff=cutoff)
    return _run(run, count, remove, dry_run)


def _remove(store: Store, cutoff: datetime) -> int:
    """No more than was counted: a store that only says that it removes would never end."""
    found, removed = store.count(cutoff), 0
    while removed < found and (batch := store.remove_batch(cutoff)):
        removed += batch
    return removed


def _purge_files(tenant: Tenant, cutoff: datetime, dry_run: bool) -> PurgeRun:
    def count() -> int:
        return sum(1 for _file in unreferenced_files(cutoff))

    def remove() -> int:
        digests = list(unreferenced_files(cutoff))
        for digest in digests:
            files.delete(digest)
        return len(digests)

    run = PurgeRun(tenant=tenant, data_class=FILES, cutoff=cutoff)
    return _run(run, count, remove, dry_run)


def _run(
    run: PurgeRun, count: Callable[[], int], remove: Callable[[], int], dry_run: bool
) -> PurgeRun:
    try:
        run.found = count()
        if not dry_run:
            run.removed = remove() if run.found else 0
            run.left = count()
    except Exception as error:  # each class on its own: told in the run, in the log and at the end
        log.exception("purge failed", data_class=run.data_class)
        run.error = f"{type(error).__name__}: {error}"[:500]
    else:
        if run.left:
            run.error = (
                f"{run.left} are still there: somebody is writing them, or more came meanwhile. "
                "The next purge tries again."
            )
    run.finished_at = timezone.now()
    return run
