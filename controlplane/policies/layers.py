"""Which rules of the layers above bind a tenant, found at its door and kept with its row.

No tenant's role reads the shared rows: the application does, before it enters the tenant. A process
remembers what is published for a few seconds, for all partners; each tenant is given what the
platform and its own partners published, and nothing of anybody else.
"""

import time
import uuid
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from controlplane.policies.judging import RuleSet
from controlplane.policies.models import BoundVersion, Layer, LayerPolicy, LayerVersion
from tenants import lookup
from tenants.context import current_tenant, outside
from tenants.models import Tenant

NAME = "policies"
KEPT_FOR_SECONDS = 5.0


@dataclass(frozen=True)
class Bound:
    """A published version of a layer, as it binds."""

    id: uuid.UUID
    number: int
    layer: str
    owner: str
    context: str
    slug: str
    title: str
    rules: list[dict[str, str]]

    @property
    def rule_set(self) -> RuleSet:
        return RuleSet(str(self.id), self.number, self.layer, self.slug, self.rules)

    def copy(self) -> BoundVersion:
        return BoundVersion(
            id=self.id,
            number=self.number,
            layer=self.layer,
            owner=self.owner,
            context=self.context,
            slug=self.slug,
            title=self.title,
            rules=self.rules,
        )


_Published = dict[uuid.UUID | None, tuple[Bound, ...]]
_published: list[tuple[float, _Published]] = []


def forget() -> None:
    """What this process remembers of what is published; after publishing here."""
    _published.clear()
    lookup.forget_tenants()


def register() -> None:
    lookup.attach(NAME, binding)


def binding(tenant: Tenant) -> tuple[Bound, ...]:
    """The platform's and its partners'. Asked outside of any tenant."""
    published = _all_published()
    partners = sorted(tenant.engaged_partners, key=str)
    return sum((published.get(owner, ()) for owner in (None, *partners)), ())


def bound_here(context: str | None = None) -> list[Bound]:
    """What binds the tenant that is entered: the platform's first, of one context or of all."""
    tenant = current_tenant()
    found: tuple[Bound, ...] | None = tenant.attached.get(NAME)
    if found is None:  # entered without the door's look-up, as beat does
        with outside():
            found = binding(tenant)
        tenant.attached[NAME] = found
    return [each for each in found if context in (None, each.context)]


def keep_copies(bound: list[Bound]) -> None:
    """The tenant's own copy of each version that judges for it, made the first time."""
    if not bound:
        return
    known = set(
        BoundVersion.objects.filter(pk__in=[b.id for b in bound]).values_list("pk", flat=True)
    )
    BoundVersion.objects.bulk_create(
        [each.copy() for each in bound if each.id not in known], ignore_conflicts=True
    )


def _all_published() -> _Published:
    now = time.monotonic()
    if _published and now - _published[0][0] < KEPT_FOR_SECONDS:
        return _published[0][1]
    rows: dict[uuid.UUID | None, list[Bound]] = defaultdict(list)
    live: dict[Any, LayerPolicy] = {
        policy.live_version: policy
        for policy in LayerPolicy.objects.filter(is_active=True, live_version__isnull=False)
        .select_related("partner")
        .order_by("layer", "slug", "pk")
    }
    versions = LayerVersion.objects.in_bulk(list(live)) if live else {}
    for key, policy in live.items():
        version = versions[key]
        rows[policy.partner_id].append(
            Bound(
                id=version.pk,
                number=version.number,
                layer=policy.layer,
                owner=policy.partner.name if policy.partner else "Pergola",
                context=policy.context,
                slug=policy.slug,
                title=policy.title,
                rules=version.rules,
            )
        )
    found = {owner: tuple(each) for owner, each in rows.items()}
    _published[:] = [(now, found)]
    return found


def layer_label(layer: str) -> str:
    return str(Layer(layer).label)
