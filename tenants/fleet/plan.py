"""What a run would do, without doing it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connections
from django.db.models import Min

from tenants.fleet.behind import standing_tenants, tenants_behind
from tenants.fleet.migrator import ALIAS, state_of
from tenants.fleet.recipe import Recipe, write_recipe
from tenants.fleet.shared import pending_of_shared, shared_is_current
from tenants.models import Tenant


@dataclass
class Group:
    """Tenants whose schemas have the same migrations."""

    recipe: Recipe
    count: int = 0
    sample: str = ""


@dataclass
class Plan:
    shared: list[str]
    shared_is_current: bool
    standing: int
    groups: dict[str, Group] = field(default_factory=dict)


def plan_fleet(slugs: Sequence[str] = ()) -> Plan:
    """One schema of each fingerprint is looked into, and each of those whose is unknown."""
    shared = pending_of_shared()
    plan = Plan(shared, not shared and shared_is_current(), standing_tenants(slugs).count())
    connection: Any = connections[ALIAS]
    for tenant, count in _samples(slugs):
        connection.set_tenant(tenant)
        try:
            state = state_of(connection, tenant.schema_name)
            if state not in plan.groups:
                plan.groups[state] = Group(write_recipe(connection), sample=tenant.slug)
        finally:
            connection.set_schema_to_public()
        plan.groups[state].count += count
    return plan


def _samples(slugs: Sequence[str]) -> Iterator[tuple[Tenant, int]]:
    behind = tenants_behind(slugs)
    known = behind.exclude(schema_fingerprint="").order_by().values("schema_fingerprint")
    for row in known.annotate(schema=Min("schema_name")):
        count = behind.filter(schema_fingerprint=row["schema_fingerprint"]).count()
        yield Tenant.objects.using(ALIAS).get(schema_name=row["schema"]), count
    for tenant in behind.filter(schema_fingerprint="").order_by("pk").iterator():
        yield tenant, 1


def describe(plan: Plan) -> Iterator[str]:
    """As lines for people."""
    if plan.shared:
        yield f"Shared schema: {len(plan.shared)} to apply: {', '.join(plan.shared)}"
    else:
        rights = "is up to date" if plan.shared_is_current else "gets its rights renewed"
        yield f"Shared schema: {rights}"
    behind = sum(group.count for group in plan.groups.values())
    yield f"Tenants: {behind} of {plan.standing} are behind"
    for group in sorted(plan.groups.values(), key=lambda group: -group.count):
        yield f"  {group.count} like {group.sample}:"
        if not group.recipe.steps:
            yield "    rights and fingerprint only"
        for step in group.recipe.steps:
            how = "" if step.is_recordable else " (by Django, in each tenant)"
            yield f"    {step}{how}"
