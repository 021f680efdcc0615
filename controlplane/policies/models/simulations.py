"""A run over what was decided before, with rules that are not published yet."""

from decimal import Decimal

from django.db import models
from django.utils.translation import gettext_lazy as _

from controlplane.core.classification import Classification
from controlplane.core.models import Row
from controlplane.policies.models.layers import LayerPolicy, LayerVersion
from controlplane.policies.models.policies import VERDICTS, Policy, PolicyVersion
from tenants.models import Tenant


class SimulationRun(Row):
    """`rules` are the candidate; `version` where it is frozen already, else it is the draft's.

    Of rules from above, the tenant keeps the run without policy and rules, which are not its own:
    `layer`, `owner` and `title` say whose they are.

    `counts` maps "hold>accept" to how many; `money` maps a currency to what would be `held` and
    `released`, in minor units. `approvals` would be asked for that were not, `spared` the reverse.
    """

    class Status(models.TextChoices):
        QUEUED = "queued", _("Waits")
        RUNNING = "running", _("Runs")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    policy = models.ForeignKey(
        Policy, on_delete=models.CASCADE, null=True, related_name="simulations"
    )
    layer = models.CharField(max_length=10, blank=True, db_default="")
    owner = models.CharField(max_length=200, blank=True, db_default="")
    title = models.CharField(max_length=120, blank=True, db_default="")
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
            "policy layer owner title version rules rules_sha256 since status total done flips "
            "counts approvals spared asked_by finished_at error"
        ),
        payload="money",
    )

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["rules_sha256", "-created_at"], name="simulation_of_rules")]

    def __str__(self) -> str:
        return f"{self.policy or self.title} since {self.since:%Y-%m-%d}"

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


class LayerSimulation(Row):
    """Rules for many, tried over the history of each tenant that they would bind.

    What it found in one is a `LayerSimulationPart`; money and flipped decisions stay with the
    tenant, in its own run of the same key. `rules` and `version` as in `SimulationRun`.
    """

    Status = SimulationRun.Status

    policy = models.ForeignKey(LayerPolicy, on_delete=models.CASCADE, related_name="simulations")
    version = models.ForeignKey(
        LayerVersion, on_delete=models.PROTECT, null=True, related_name="simulations"
    )
    rules = models.JSONField()
    rules_sha256 = models.CharField(max_length=64)
    since = models.DateTimeField()
    status = models.CharField(
        max_length=10, choices=SimulationRun.Status, default=SimulationRun.Status.QUEUED
    )
    asked_by = models.CharField(max_length=200)
    asked_by_id = models.CharField(max_length=80)
    finished_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)

    class Meta:
        ordering = ["-created_at"]
        verbose_name = _("simulation of rules for many tenants")
        verbose_name_plural = _("simulations of rules for many tenants")
        indexes = [
            models.Index(
                fields=["policy", "rules_sha256", "-created_at"], name="layer_simulation_of_rules"
            )
        ]

    def __str__(self) -> str:
        return f"{self.policy} since {self.since:%Y-%m-%d}"

    @property
    def is_under_way(self) -> bool:
        return self.status in {self.Status.QUEUED, self.Status.RUNNING}


class LayerSimulationPart(Row):
    """What rules for many would turn over in one tenant, in counts.

    `threshold` is the share of flips, in percent, from which on that tenant wants another person's
    approval, as its terms said when it was its turn; `judged_by_terms` and `flips_by_terms` are of
    the days that the same terms say, however far back the run looks.
    """

    run = models.ForeignKey(LayerSimulation, on_delete=models.CASCADE, related_name="parts")
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")
    status = models.CharField(
        max_length=10, choices=SimulationRun.Status, default=SimulationRun.Status.QUEUED
    )
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    flips = models.PositiveIntegerField(default=0)
    counts = models.JSONField(default=dict)
    approvals = models.PositiveIntegerField(default=0)
    spared = models.PositiveIntegerField(default=0)
    threshold = models.DecimalField(max_digits=5, decimal_places=2, null=True)
    judged_by_terms = models.PositiveIntegerField(null=True)
    flips_by_terms = models.PositiveIntegerField(null=True)
    error = models.TextField(blank=True)

    class Meta:
        ordering = ["run", "tenant"]
        constraints = [
            models.UniqueConstraint(fields=["run", "tenant"], name="layer_simulation_part_once")
        ]

    def __str__(self) -> str:
        return f"{self.tenant}: {self.flips} of {self.done}"

    @property
    def percent(self) -> Decimal:
        """Of what was judged, the share that comes out otherwise."""
        return percent_of(self.flips, self.done)

    @property
    def is_over(self) -> bool:
        """By the days of the tenant's terms; by all that was judged until it is through."""
        if self.threshold is None:
            return False
        if self.judged_by_terms is None or self.flips_by_terms is None:
            return self.percent > self.threshold
        return percent_of(self.flips_by_terms, self.judged_by_terms) > self.threshold


def percent_of(flips: int, judged: int) -> Decimal:
    """With two places; 0 of nothing."""
    return (Decimal(100 * flips) / judged).quantize(Decimal("0.01")) if judged else Decimal(0)
