"""A run over what was decided before, with rules that are not published yet."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from controlplane.core.classification import Classification
from controlplane.core.models import Row
from controlplane.policies.models.policies import VERDICTS, Policy, PolicyVersion


class SimulationRun(Row):
    """`rules` are the candidate; `version` where it is frozen already, else it is the draft's.

    `counts` maps "hold>accept" to how many; `money` maps a currency to what would be `held` and
    `released`, in minor units. `approvals` would be asked for that were not, `spared` the reverse.
    """

    class Status(models.TextChoices):
        QUEUED = "queued", _("Waits")
        RUNNING = "running", _("Runs")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    policy = models.ForeignKey(Policy, on_delete=models.CASCADE, related_name="simulations")
    version = models.ForeignKey(
        PolicyVersion, on_delete=models.PROTECT, null=True, related_name="simulations"
    )
    rules = models.JSONField()
    rules_sha256 = models.CharField(max_length=64)
    since = models.DateTimeField()
    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED)
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    flips = models.PositiveIntegerField(default=0)
    counts = models.JSONField(default=dict)
    money = models.JSONField(default=dict)
    approvals = models.PositiveIntegerField(default=0)
    spared = models.PositiveIntegerField(default=0)
    asked_by = models.CharField(max_length=200)
    finished_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)

    classified = Classification(
        health=(
            "policy version rules rules_sha256 since status total done flips counts approvals "
            "spared asked_by finished_at error"
        ),
        payload="money",
    )

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["rules_sha256", "-created_at"], name="simulation_of_rules")]

    def __str__(self) -> str:
        return f"{self.policy} since {self.since:%Y-%m-%d}"

    @property
    def is_under_way(self) -> bool:
        return self.status in {self.Status.QUEUED, self.Status.RUNNING}

    @property
    def percent_done(self) -> int:
        return 100 * self.done // self.total if self.total else 0


class SimulationFlip(Row):
    """A decision that would come out otherwise. `minor` in whole minor units of `currency`."""

    run = models.ForeignKey(SimulationRun, on_delete=models.CASCADE, related_name="found")
    decision_id = models.UUIDField()
    subject_type = models.CharField(max_length=40)
    subject_id = models.UUIDField()
    decided_at = models.DateTimeField()
    before = models.CharField(max_length=10, choices=VERDICTS)
    after = models.CharField(max_length=10, choices=VERDICTS)
    codes = models.JSONField(default=list)
    minor = models.BigIntegerField(null=True)
    currency = models.CharField(max_length=3, blank=True)

    classified = Classification(
        health="run decision_id subject_type subject_id decided_at before after codes",
        payload="minor currency",
    )

    class Meta:
        ordering = ["-decided_at"]
        indexes = [models.Index(fields=["run", "-decided_at"], name="simulation_flip_of")]

    def __str__(self) -> str:
        return f"{self.before} > {self.after}"
