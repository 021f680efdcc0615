"""How things go wrong between the outside world, Pergola and n8n: the whole list."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Failure(models.TextChoices):
    CONNECTION = "connection", _("No connection")
    TIMEOUT = "timeout", _("Time-out")
    RATE_LIMIT = "rate_limit", _("Rate limit")
    REJECTED = "rejected", _("Rejected")
    POLICY = "policy", _("Against a policy")
    MISSING_DATA = "missing_data", _("Missing data")
    DUPLICATE = "duplicate", _("Number used twice")
    PARSE = "parse", _("Cannot be read")
    VANISHED_RUN = "vanished_run", _("Run vanished")
