"""Every Celery task × the header of another tenant, of none, and of one that is not there."""

import inspect
from typing import Any

import pytest
from django.db import connection, transaction

from controlplane.celery import app
from controlplane.core.jobs import TENANT_HEADER
from tenants import lookup
from tenants.models import Tenant
from tests.integration.isolation.callers import Callers
from tests.integration.isolation.cells import Cells
from tests.integration.isolation.world import World

app.loader.import_default_modules()
TASKS = sorted(name for name in app.tasks if not name.startswith("celery."))
# Tasks that run outside of tenants, and what for. They enter each one by themselves.
SHARED = {
    "approvals.advance_everywhere": "goes through all tenants",
    "catalog.advance_rollout": "rollouts are shared rows",
    "catalog.rollout_lane": "rollouts are shared rows",
    "catalog.tend_everywhere": "goes through all tenants",
    "catalog.tend_rollouts": "rollouts are shared rows",
    "catalog.try_release": "releases are shared rows; it enters the sandbox that was chosen",
    "connections.check_everywhere": "goes through all tenants",
    "events.reconcile_everywhere": "goes through all tenants",
    "instances.check_health": "n8n servers are shared rows",
    "instances.refresh_workspaces": "goes through the tenants of one n8n",
    "invoices.read_waiting": "goes through all tenants",
    "knowledge.ingest_waiting": "goes through all tenants",
    "policies.give_up_lost_runs_everywhere": "goes through all tenants",
    "policies.publish_due_everywhere": "goes through all tenants",
    "policies.simulate_layer": "goes through the tenants that rules for many bind",
    "tenants.close_support_entries": "entries are shared rows",
    "tenants.copy_to_sandbox": "from a tenant into its own sandbox",
    "tenants.fill_pool": "spare schemas are nobody's",
    "tenants.forget_security_events": "what was odd is a shared row",
    "tenants.leave": "a tenant that leaves is a shared row",
    "tenants.mail_support_entered": "entries are shared rows",
    "tenants.make_sandbox": "makes a tenant",
    "tenants.migrate": "as the owner",
    "tenants.provision": "makes a tenant",
    "tenants.purge": "goes through all tenants",
    "tenants.refresh_health_everywhere": "goes through all tenants",
    "tenants.sign_audit": "goes through all tenants",
    "tenants.refresh_measures_everywhere": "goes through all tenants",
    "tenants.remove": "takes a tenant away, as the owner",
    "tenants.remove_due": "goes through all tenants",
    "tenants.remove_sandbox": "takes a tenant away, as the owner",
    "tenants.reset_sandbox": "empties a tenant, as the owner",
    "tenants.resume_provisioning": "makes tenants",
}
# Tasks of tenants that end quietly outside of one, and why nothing comes of it.
QUIET = {"knowledge.tend_vectors": "the shared schema has no vectors to tend"}
# Arguments that name no row.
NO_ROWS = {
    "by_kind": "member",
    "by_id": "0",
    "by_label": "somebody",
    "by": "somebody",
    "what": "policies",
    "slug": "north",
    "rollout_id": "0198f0aa-0000-7000-8000-000000000001",
    "case_run_id": "0198f0aa-0000-7000-8000-000000000002",
    "lane": "0",
}
OF_TENANTS = [name for name in TASKS if name not in SHARED]


def arguments(name: str, world: World) -> dict[str, Any]:
    """With the rows of the tenant that is tried for."""
    given = {}
    for parameter in inspect.signature(app.tasks[name].__wrapped__).parameters.values():
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            continue
        if parameter.default is inspect.Parameter.empty:
            told = {parameter.name: world.tasks.get(f"{name}.{parameter.name}", parameter.name)}
            row = NO_ROWS.get(parameter.name) or world.row(f"task {name}'s", parameter.name, told)
            given[parameter.name] = row if isinstance(row, int) else str(row)
    return given


def ended(name: str, world: World, schema: str | None) -> str:
    """The name of the error that it ended with, or ""."""
    headers = {TENANT_HEADER: schema} if schema else {}
    try:
        with transaction.atomic():
            app.tasks[name].apply(kwargs=arguments(name, world), headers=headers, throw=True)
    except Exception as error:  # whichever: a refusal has no one class
        return type(error).__name__
    return ""


def untouched(world: World) -> list[str]:
    wrong = ["something of the tenant changed"] if world.has_changed else []
    return wrong + [f"its n8n was called: {call}" for call in world.n8n.calls]


# A task without arguments names no row; where it runs is shown by the last test but one.
NAMING_A_ROW = [
    name
    for name in OF_TENANTS
    if inspect.Parameter.KEYWORD_ONLY
    in {p.kind for p in inspect.signature(app.tasks[name].__wrapped__).parameters.values()}
]


@pytest.mark.parametrize("name", NAMING_A_ROW)
def test_a_task_with_anothers_header_reaches_no_row_of_the_tenant(
    name: str, world: World, callers: Callers
) -> None:
    cells = Cells("tasks")
    for other in (callers.neighbour, callers.sandbox):
        ended(name, world, other.schema_name)
        cells.refused(f"{name} in {other.schema_name}", *untouched(world))
    cells.assert_no_leak()


@pytest.mark.parametrize("name", OF_TENANTS)
def test_a_task_without_a_tenant_does_nothing(name: str, world: World) -> None:
    cells = Cells("tasks")
    for schema in (None, "public", "t_gone", "t_north; DROP", "pg_catalog"):
        is_refused = bool(ended(name, world, schema))
        if schema in {None, "public"} and name in QUIET:
            is_refused = not is_refused
        wrong = [] if is_refused else ["it ran"]
        cells.refused(f"{name} with the header {schema}", *wrong, *untouched(world))
    Tenant.objects.filter(pk=world.tenant.pk).update(status=Tenant.Status.SUSPENDED)
    lookup.forget_tenants()
    wrong = [] if ended(name, world, world.tenant.schema_name) == "TenantUnknown" else ["it ran"]
    cells.refused(f"{name} while the tenant is suspended", *wrong)
    cells.assert_no_leak()


@pytest.mark.parametrize("name", sorted(set(SHARED) & set(TASKS)))
def test_a_shared_task_cannot_be_run_in_a_tenants_name(
    name: str, world: World, callers: Callers
) -> None:
    cells = Cells("tasks")
    wrong = [] if ended(name, world, callers.neighbour.schema_name) else ["it ran"]
    cells.refused(f"{name} in {callers.neighbour.schema_name}", *wrong, *untouched(world))
    cells.assert_no_leak()


@pytest.mark.parametrize("name", TASKS)
def test_a_task_runs_where_its_header_says(
    name: str, world: World, callers: Callers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a refusal comes from the tenant that was entered, not from a task that never ran."""
    seen: list[str] = []

    def note(**_: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_schema() || ' ' || current_user")
            seen.append(cursor.fetchone()[0])

    monkeypatch.setattr(app.tasks[name], "run", note)
    for schema in ("t_north", "t_south", None):
        app.tasks[name].apply(headers={TENANT_HEADER: schema} if schema else {}, throw=True)

    database = connection.settings_dict["NAME"]
    assert seen == [
        f"t_north {database}_t_north", f"t_south {database}_t_south", "public pergola_app",
    ]  # fmt: skip


def test_shared_tasks_are_the_ones_that_are_meant_to_be() -> None:
    assert (set(SHARED) | set(QUIET)) - set(TASKS) == set(), "these are gone: take them out"
