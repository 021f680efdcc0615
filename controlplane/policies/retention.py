"""How long decisions are kept. Policies and their versions stay: decisions refer to them."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from controlplane.approvals.retention import without_open_approvals
from controlplane.policies.models import Decision, SimulationRun
from tenants.retention.classes import DataClass, RowStore, hold_back, register_class


def register() -> None:
    register_class(
        DataClass(
            "decisions",
            _("Decisions"),
            _("What the rules said of which input, by which version, and why; and simulations."),
            [
                RowStore(SimulationRun, "created_at"),
                RowStore(Decision, "decided_at", append_only=True),
            ],
        )
    )
    hold_back(Decision, lambda rows: without_open_approvals(rows, "subject_id"))
    hold_back(Decision, without_open_approvals)  # of one that is itself put to people


def keep_decisions_of(model: type[models.Model]) -> None:
    """From AppConfig.ready: a decision stays as long as a row of `model` names it."""
    hold_back(
        Decision,
        lambda rows: rows.exclude(
            pk__in=model._default_manager.filter(decision_id__isnull=False).values("decision_id")
        ),
    )
