"""Which texts must be nowhere in clear: all that Pergola encrypts, hashes, or is given as settings.

Some, such as the token of an installation, nobody has in clear any more: of these the SHA-256 is
known, and every word that is found is compared with it.
"""

import base64
import json
import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, urlsplit

from django.conf import settings

from controlplane.events.models import Delivery
from controlplane.vault.rotation import secret_tables
from controlplane.vault.tokens import token_tables
from tenants.context import inside
from tenants.models import ApiKey, Tenant

# Shorter ones stand in other texts by chance.
SHORTEST = 10


@dataclass
class Known:
    """`texts` by a name that may be shown; `digests` are hex SHA-256, with such a name."""

    texts: dict[str, str] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, text: str) -> None:
        if len(text) >= SHORTEST:
            self.texts[name] = text

    def forms(self) -> dict[bytes, str]:
        """Every way in which a text may stand somewhere and still be read by anybody."""
        return {
            form: name
            for name, text in self.texts.items()
            for form in _forms(text)
            if len(form) > 8
        }


def _forms(text: str) -> set[bytes]:
    raw = text.encode()
    # Base64 of a text that stands in the middle of another begins at one of three offsets; its
    # first and last letters depend on the neighbours.
    coded = {
        alphabet(b"\0" * shift + raw)[(shift * 8 + 5) // 6 + 1 : -4]
        for shift in range(3)
        for alphabet in (base64.b64encode, base64.urlsafe_b64encode)
    }
    return {
        raw, quote(text, safe="").encode(), json.dumps(text)[1:-1].encode(),
        raw.hex().encode(), *coded,
    }  # fmt: skip


def secrets_of_this_installation() -> Known:
    """From the settings, and from every encrypted field and every hash of every schema."""
    known = Known()
    for name in (
        "SECRET_KEY", "LLM_API_KEY", "WEAVIATE_API_KEY", "N8N_API_KEY", "N8N_OWNER_PASSWORD",
    ):  # fmt: skip
        known.add(name, str(getattr(settings, name, "")))
    for number, key in enumerate(settings.ENCRYPTION_KEYS):
        known.add(f"ENCRYPTION_KEYS[{number}]", key)
    for alias, database in settings.DATABASES.items():
        known.add(f"password of {alias}", str(database["PASSWORD"]))
    known.add("password of Redis", urlsplit(settings.REDIS_URL).password or "")
    for key in ApiKey.objects.all():
        known.digests[key.secret_sha256] = f"API key {key.prefix}"
    _add_fields(known, "shared")
    for tenant in Tenant.objects.exclude(status=Tenant.Status.PROVISIONING):
        with inside(tenant):
            _add_fields(known, tenant.slug)
            for pk, digest in Delivery.objects.exclude(token_sha256="").values_list(
                "pk", "token_sha256"
            ):
                known.digests[digest] = f"token of delivery {pk}"
    return known


def _add_fields(known: Known, schema: str) -> None:
    for table in secret_tables():
        for row in table.model._default_manager.all():
            for column in table.fields:
                text = getattr(row, column.attname)
                name = f"{schema}: {table.model._meta.label}.{column.name} of {row.pk}"
                known.add(name, _secret_part(text))
    for tokens in token_tables():
        for number, text in enumerate(tokens.texts()):
            known.add(f"{schema}: {tokens.model._meta.label} {number}", text)


def _secret_part(text: str) -> str:
    """Of an address, what makes it a secret; the rest is known to everybody."""
    if not re.match(r"https?://", text):
        return text
    return next((value for _name, value in parse_qsl(urlsplit(text).query)), "")
