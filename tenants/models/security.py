"""What was odd about coming in: counted by the hour, so that nobody can fill the table."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from controlplane.core.models import Row
from tenants.models.keys import ApiKey
from tenants.models.tenants import Tenant


class SecurityEvent(Row):
    """One kind of thing, by one person or key, at one tenant, in one hour.

    Who is unknown is counted together: a guesser of names makes one row an hour.
    """

    class Kind(models.TextChoices):
        FAILED_LOG_IN = "failed_log_in", _("Failed log-in")
        FAILED_FACTOR = "failed_factor", _("Wrong second factor")
        LOCKED_OUT = "locked_out", _("Locked out for a while")
        KEY_REFUSED = "key_refused", _("API key refused")
        FOREIGN_TENANT = "foreign_tenant", _("Tried to enter from another workspace")
        NEW_NETWORK = "new_network", _("Came from a new network")
        BURST = "burst", _("Unusually many calls")

    kind = models.CharField(max_length=16, choices=Kind)
    tenant = models.ForeignKey(
        Tenant, on_delete=models.CASCADE, null=True, related_name="security_events"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+"
    )
    key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, null=True, related_name="+")
    network = models.CharField(max_length=43, blank=True)
    hour = models.DateTimeField()
    count = models.PositiveIntegerField(default=1)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        ordering = ["-last_at"]
        verbose_name = _("security event")
        verbose_name_plural = _("security events")
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "tenant", "user", "key", "hour"],
                nulls_distinct=False,
                name="security_event_once_an_hour",
            )
        ]
        indexes = [models.Index(fields=["tenant", "-last_at"], name="security_event_of_tenant")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.count})"


class KnownNetwork(Row):
    """A network (/24 or /48) from which a person or a key has come before."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+"
    )
    key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, null=True, related_name="+")
    network = models.CharField(max_length=43)
    last_seen_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="known_network_of_user_or_key",
                condition=Q(user__isnull=True) ^ Q(key__isnull=True),
            ),
            models.UniqueConstraint(
                fields=["user", "key", "network"],
                nulls_distinct=False,
                name="known_network_unique",
            ),
        ]

    def __str__(self) -> str:
        return self.network
