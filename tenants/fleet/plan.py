"""What a run would do, without doing it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connections

from tenants.fleet.behind import standing_tenants, tenants_behind
from tenants.fleet.migrator import ALIAS, state_of
from tenants.fleet.recipe import Recipe, write_recipe
from tenants.fleet.shared import pending_of_shared, shared_is_current

# Until it is applied there is no table of tenants.
FIRST = "tenants.0001_initial"


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
    """Each schema that is behind is asked for its migrations. Works with an older shared schema."""
    shared = pending_of_shared()
    plan = Plan(shared, not shared and shared_is_current(), standing=0)
    if FIRST in shared:
        return plan
    standing = standing_tenants(slugs)
    plan.standing = standing.count()
    # With an older shared schema, tenants have no fingerprint perhaps, and all of them get rows.
    behind = standing if shared else tenants_behind(slugs)
    connection: Any = connections[ALIAS]
    for schema, slug in behind.order_by("pk").values_list("schema_name", "slug"):
        connection.set_schema(schema)
        try:
            state = state_of(connection, schema)
            if state not in plan.groups:
                plan.groups[state] = Group(write_recipe(connection), sample=slug)
        finally:
            connection.set_schema_to_public()
        plan.groups[state].count += 1
    return plan


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
