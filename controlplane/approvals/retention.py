"""How long approvals are kept, and what an open one keeps with it."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from controlplane.approvals.models import Approval, Delegation, Waiter
from tenants.retention.classes import DataClass, Rows, RowStore, hold_back, register_class


def register() -> None:
    register_class(
        DataClass(
            "approvals",
            _("Approvals"),
            _("What people were asked, what they answered and why."),
            # One that is open was never decided, so it has no age.
            [RowStore(Approval, "decided_at"), RowStore(Delegation, "ends_at")],
        )
    )
    hold_back(Approval, _without_waiting_executions)


def keep_while_open(model: type[models.Model]) -> None:
    """From AppConfig.ready: a row stays as long as an approval of it is open."""
    hold_back(model, without_open_approvals)


def without_open_approvals(rows: Rows, key: str = "pk") -> Rows:
    """Those whose `key` is no subject of an open approval."""
    return rows.exclude(**{f"{key}__in": Approval.objects.pending().values("subject_id")})


def _without_waiting_executions(approvals: Rows) -> Rows:
    waiting = Waiter.objects.filter(status=Waiter.Status.WAITING)
    return approvals.exclude(pk__in=waiting.values("approval"))
