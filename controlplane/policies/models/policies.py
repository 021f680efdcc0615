"""A tenant's rules, and the versions of them: frozen for review, published, retired."""

from decimal import Decimal
from typing import Any, Never, Self

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from controlplane.core.classification import Classification
from controlplane.core.models import Row
from controlplane.policies.verdicts import Verdict

VERDICTS = [
    (Verdict.ACCEPT.value, _("Accept")),
    (Verdict.HOLD.value, _("Hold for a person")),
    (Verdict.REJECT.value, _("Reject")),
]
code_is_a_name = RegexValidator(
    r"^[a-z][a-z0-9_]*$", _("Use lower-case letters, digits and underscores: over_limit.")
)


RULE_CODE_HELP = _("Stable name of the reason, for workflows and reports: over_limit.")
EXPRESSION_HELP = _(
    "CEL, true where the rule applies. Amounts are whole minor units: "
    "order.total.minor > 50000 means more than 500.00 in a currency with cents."
)
MESSAGE_HELP = _("What people read. {order.number} puts in a value that the rule can see.")


class Immutable(Exception):
    """A row that later rows refer to was about to be changed."""


class Move(models.TextChoices):
    """Out of force or into it, with the rules as they were published."""

    RETIRE = "retire", _("Retire")
    OFF = "off", _("Switch off")
    ON = "on", _("Switch on")


class Policy(Row):
    """Rules about one kind of thing. Its rules and examples are the draft, which anybody may go on
    editing; what counts is `live_version`, the latest of its versions that was published.

    `asked_move`: what one person wants done with it, and a second one has to say so too.
    """

    context = models.CharField(
        max_length=40, help_text=_("What the rules are about, for example “order”.")
    )
    slug = models.SlugField(max_length=60, db_index=False)
    title = models.CharField(max_length=120)
    is_active = models.BooleanField(
        default=True, help_text=_("An inactive policy takes no part in decisions.")
    )

    live_version = models.UUIDField(null=True, blank=True, editable=False)
    draft_by = models.CharField(max_length=200, blank=True, db_default="", editable=False)
    draft_by_id = models.CharField(max_length=80, blank=True, db_default="", editable=False)
    draft_note = models.CharField(max_length=500, blank=True, db_default="", editable=False)
    asked_move = models.CharField(
        max_length=10, choices=Move, blank=True, db_default="", editable=False
    )
    asked_note = models.CharField(max_length=500, blank=True, db_default="", editable=False)
    asked_by = models.CharField(max_length=200, blank=True, db_default="", editable=False)
    asked_by_id = models.CharField(max_length=80, blank=True, db_default="", editable=False)

    classified = Classification(
        health=(
            "context slug title is_active live_version draft_by draft_by_id draft_note "
            "asked_move asked_note asked_by asked_by_id"
        )
    )

    class Meta:
        ordering = ["context", "title"]
        verbose_name = _("policy")
        verbose_name_plural = _("policies")
        constraints = [
            models.UniqueConstraint(fields=["context", "slug"], name="policy_slug_unique")
        ]

    def __str__(self) -> str:
        return self.title

    def latest_version(self) -> "PolicyVersion | None":
        """The newest of those that were ever published."""
        return self.versions.published().order_by("-number").first()

    def live(self) -> "PolicyVersion | None":
        """The version that counts now, where one does."""
        now = Policy.objects.filter(pk=self.pk).values("live_version")
        return self.versions.filter(pk__in=now).first()


class Rule(Row):
    """A condition in CEL; where it is true, its verdict and message are given as a reason."""

    policy = models.ForeignKey(Policy, on_delete=models.CASCADE, related_name="rules")
    position = models.PositiveSmallIntegerField(default=0)
    code = models.CharField(
        max_length=60,
        validators=[code_is_a_name],
        help_text=RULE_CODE_HELP,
    )
    expression = models.TextField(help_text=EXPRESSION_HELP)
    verdict = models.CharField(max_length=10, choices=VERDICTS[1:], default=Verdict.HOLD.value)
    message = models.CharField(
        max_length=300,
        help_text=MESSAGE_HELP,
    )
    enabled = models.BooleanField(default=True)

    classified = Classification(health="policy position code expression verdict message enabled")

    class Meta:
        ordering = ["position", "code"]
        constraints = [
            models.UniqueConstraint(fields=["policy", "code"], name="rule_code_unique"),
            models.CheckConstraint(
                name="rule_holds_or_rejects", condition=models.Q(verdict__in=["hold", "reject"])
            ),
        ]

    def __str__(self) -> str:
        return self.code

    def as_published(self) -> dict[str, str]:
        """What a version keeps of it."""
        return {
            "code": self.code,
            "expression": self.expression,
            "verdict": self.verdict,
            "message": self.message,
        }


class Example(Row):
    """A case that the rules must go on answering as it says: what is known, and what must come.

    `facts` are put over the context's sample, so that a case names only what matters to it.
    """

    policy = models.ForeignKey(Policy, on_delete=models.CASCADE, related_name="examples")
    position = models.PositiveSmallIntegerField(default=0)
    name = models.CharField(max_length=120)
    facts = models.JSONField(default=dict, blank=True)
    verdict = models.CharField(max_length=10, choices=VERDICTS)
    codes = models.JSONField(default=list, blank=True)

    classified = Classification(health="policy position name verdict codes", payload="facts")

    class Meta:
        ordering = ["position", "name"]
        constraints = [
            models.UniqueConstraint(fields=["policy", "name"], name="example_name_unique")
        ]

    def __str__(self) -> str:
        return self.name

    def as_published(self) -> dict[str, Any]:
        """What a version keeps of it."""
        return {
            "name": self.name,
            "facts": self.facts,
            "verdict": self.verdict,
            "codes": self.codes,
        }


class VersionStatus(models.TextChoices):
    DRAFT = "draft", _("Draft")
    REVIEW = "review", _("In review")
    APPROVED = "approved", _("Approved")
    PUBLISHED = "published", _("Published")
    RETIRED = "retired", _("Retired")


class PolicyVersionQuerySet(models.QuerySet["PolicyVersion"]):
    def published(self) -> Self:
        """Those that counted at some time."""
        return self.filter(
            pk__in=VersionStep.objects.filter(status=VersionStatus.PUBLISHED).values("version")
        )

    def with_status(self) -> Self:
        """`status` is where the last step left it."""
        last = (
            VersionStep.objects.filter(version=OuterRef("pk"))
            .order_by("-at", "-pk")
            .values("status")
        )
        return self.annotate(
            status=Coalesce(Subquery(last[:1]), models.Value(VersionStatus.DRAFT.value))
        )


class PolicyVersion(Row):
    """The enabled rules and the examples of a policy as they were frozen; the database lets nobody
    change or delete them. Where it stands is the last of its `steps`; `published_by` and
    `published_at` say who froze it, and when.
    """

    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    rules = models.JSONField()
    examples = models.JSONField(null=True, default=list)
    author_id = models.CharField(max_length=80, db_default="")
    published_at = models.DateTimeField(default=timezone.now)
    published_by = models.CharField(max_length=200)

    classified = Classification(
        health="policy number rules author_id published_at published_by", payload="examples"
    )

    objects = PolicyVersionQuerySet.as_manager()

    class Meta:
        ordering = ["policy", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["policy", "number"], name="policy_version_unique")
        ]

    def __str__(self) -> str:
        return f"{self.policy} v{self.number}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise Immutable(f"{self} was frozen; make a new version instead")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Never:
        raise Immutable(f"{self} was frozen and decisions refer to it")

    def current_status(self) -> str:
        last = self.steps.order_by("-at", "-pk").values_list("status", flat=True).first()
        return last or VersionStatus.DRAFT


class VersionStep(Row):
    """A step of a version, who took it and why; never changed."""

    version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="steps")
    status = models.CharField(max_length=10, choices=VersionStatus)
    note = models.CharField(max_length=500, blank=True)
    by = models.CharField(max_length=200)
    by_id = models.CharField(max_length=80)
    at = models.DateTimeField(default=timezone.now)

    classified = Classification(health="version status note by by_id at")

    class Meta:
        ordering = ["at", "id"]
        indexes = [models.Index(fields=["version", "-at"], name="version_step_last")]

    def __str__(self) -> str:
        return f"{self.version}: {self.get_status_display()}"


class Schedule(Row):
    """A publication that waits for its time; `detail` says why it was refused then."""

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waits")
        DONE = "done", _("Published")
        REFUSED = "refused", _("Refused")
        CANCELLED = "cancelled", _("Cancelled")

    version = models.ForeignKey(PolicyVersion, on_delete=models.PROTECT, related_name="schedules")
    due_at = models.DateTimeField()
    status = models.CharField(max_length=10, choices=Status, default=Status.WAITING)
    note = models.CharField(max_length=500, blank=True)
    by = models.CharField(max_length=200)
    by_id = models.CharField(max_length=80)
    detail = models.TextField(blank=True)

    classified = Classification(health="version due_at status note by by_id detail")

    class Meta:
        ordering = ["-due_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["version"],
                condition=models.Q(status="waiting"),
                name="schedule_once_waiting",
            )
        ]

    def __str__(self) -> str:
        return f"{self.version} at {self.due_at:%Y-%m-%d %H:%M}"


class PublishingTerms(Row):
    """The tenant's own terms of publishing: one row, or none where nobody changed them.

    A version that turns over more than `flip_percent` of the decisions of the last
    `history_days` is published only when somebody else than its author approved it. `wanted_*`:
    terms that one person wants, and that count once a second one says so too.
    """

    flip_percent = models.DecimalField(max_digits=5, decimal_places=2, default=Decimal(10))
    history_days = models.PositiveSmallIntegerField(default=30)
    wanted_percent = models.DecimalField(max_digits=5, decimal_places=2, null=True)
    wanted_days = models.PositiveSmallIntegerField(null=True)
    wanted_by = models.CharField(max_length=200, blank=True, db_default="")
    wanted_by_id = models.CharField(max_length=80, blank=True, db_default="")

    classified = Classification(
        health=("flip_percent history_days wanted_percent wanted_days wanted_by wanted_by_id")
    )

    class Meta:
        verbose_name = _("terms of publishing")
        verbose_name_plural = _("terms of publishing")
        constraints = [
            models.CheckConstraint(
                name="terms_are_a_share",
                condition=models.Q(flip_percent__gte=0, flip_percent__lte=100),
            )
        ]

    def __str__(self) -> str:
        return f"{self.flip_percent} %"

    @classmethod
    def current(cls) -> "PublishingTerms":
        return cls.objects.order_by("pk").first() or cls()
