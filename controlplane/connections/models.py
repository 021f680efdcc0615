"""A tenant's outside systems, and what lets Pergola into them."""

import json
from collections.abc import Mapping

from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from controlplane.connections import kinds
from controlplane.core.classification import Classification
from controlplane.core.crypto import EncryptedTextField, Undecryptable
from controlplane.core.models import Row
from controlplane.core.redaction import remember


class Connection(Row):
    """One outside system, and what of it workflows may reach.

    `options` are the fields of its kind that are no secrets; `secrets` is a JSON object of those
    that are. `base_url` is made of them. A call goes to the host of `base_url` or one of
    `allowed_hosts`, by one of `allowed_methods`, to a path that begins as one of `allowed_paths`
    says, or to any where there is none. `last_error` is in our own words, never the system's.
    """

    class Status(models.TextChoices):
        UNKNOWN = "unknown", _("Not checked yet")
        OK = "ok", _("Working")
        FAILING = "failing", _("Failing")

    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=20, choices=kinds.choices)
    base_url = models.CharField(max_length=300)
    options = models.JSONField(default=dict)
    secrets = EncryptedTextField(blank=True, editable=False, default="")
    allowed_hosts = models.JSONField(default=list, blank=True)
    allowed_paths = models.JSONField(default=list, blank=True)
    allowed_methods = models.JSONField(default=list, blank=True)
    is_active = models.BooleanField(default=True)
    status = models.CharField(max_length=8, choices=Status, default=Status.UNKNOWN)
    last_checked_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_error = models.CharField(max_length=500, blank=True, editable=False)
    created_by = models.CharField(max_length=200, blank=True, editable=False)
    changed_by = models.CharField(max_length=200, blank=True, editable=False)

    classified = Classification(
        health=(
            "name kind base_url options allowed_hosts allowed_paths allowed_methods is_active "
            "status last_checked_at last_used_at last_error created_by changed_by"
        ),
        secrets="secrets",
    )

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                Lower("name"),
                name="connection_name_unique",
                violation_error_message=_("There is a connection of this name already."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def values(self) -> dict[str, str]:
        """Every field of its kind, secrets too. Raises Undecryptable."""
        return {**self.options, **self.secret_values}

    @property
    def secret_values(self) -> dict[str, str]:
        """Raises Undecryptable."""
        found: dict[str, str] = json.loads(self.secrets) if self.secrets else {}
        for value in found.values():
            remember(value)
        return found

    @property
    def kept_secrets(self) -> dict[str, str]:
        """None where they do not open any more: they have to be typed in again."""
        try:
            return self.secret_values
        except Undecryptable:
            return {}

    def keep_secrets(self, values: Mapping[str, str]) -> None:
        self.secrets = json.dumps(dict(values)) if values else ""
