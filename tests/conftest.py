"""Two tenants that stay, a rollback after each test, and people and keys to come in with."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.signals import setting_changed
from django.db import connection, connections
from django.test import Client, override_settings
from django.test.client import ClientHandler
from django.urls import clear_script_prefix

from controlplane.core.actor import Actor, ActorKind
from tenants import lookup
from tenants.context import inside
from tenants.limits.plans import Resource
from tenants.models import ApiKey, Member, Partner, Quota, Tenant
from tests.fakes.n8n import FakeN8n, running_fake_n8n
from tests.services import TOGETHER

ALL_SCOPES = [
    "approvals:read",
    "approvals:request",
    "audit:read",
    "audit:record",
    "connections:manage",
    "connections:read",
    "connections:use",
    "decisions:override",
    "decisions:read",
    "events:emit",
    "events:read",
    "events:subscribe",
    "exceptions:handle",
    "exceptions:open",
    "exceptions:read",
    "installations:read",
    "installations:write",
    "invoices:match",
    "invoices:read",
    "invoices:record",
    "invoices:submit",
    "invoices:validate",
    "knowledge:answer",
    "knowledge:read",
    "knowledge:search",
    "knowledge:write",
    "orders:record",
    "orders:review",
    "policies:evaluate",
    "policies:simulate",
    "procurement:submit",
    "tickets:handover",
    "tickets:read",
    "tickets:reply",
    "tickets:submit",
    "tickets:triage",
]

# `yard` is for what must be committed to be seen, by threads above all; it is cleared afterwards.
SLUGS = ("north", "south", "yard")


@pytest.hookimpl(trylast=True)  # after pytest-django, which sorts by the use of the database
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs n8n comes first: it is one worker's work, and takes the longest."""
    items.sort(key=lambda item: not item.nodeid.startswith(TOGETHER))


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: Any) -> None:
    """The real schemas, with real roles and grants, made as `migrate_fleet` makes them.

    A fixture called `db` rolls back what a test does; tenants and schemas stay for the next run.
    """
    from io import StringIO

    from django.core.management import call_command

    from controlplane.core.actor import system
    from tenants.provisioning import provision_tenant, start_tenant
    from tenants.provisioning.blueprint import renew_blueprint

    with django_db_blocker.unblock():
        if not _is_built():
            call_command("migrate_fleet", stdout=StringIO())
            renew_blueprint()
            for slug in SLUGS:
                partner, _new = Partner.objects.get_or_create(
                    slug=f"partner-{slug}", defaults={"name": f"Partner {slug.title()}"}
                )
                tenant = start_tenant(slug=slug, name=slug.title(), partner=partner)
                provision_tenant(tenant, by=system("tests"))
                # The tests ask more in a minute than any customer.
                Quota.objects.get_or_create(
                    tenant=tenant, resource=Resource.REQUESTS, defaults={"amount": 10**9}
                )


def _is_built() -> bool:
    from django.db import DatabaseError
    from django.db.migrations.executor import MigrationExecutor

    try:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            return False  # built by an older checkout
        return Tenant.objects.active().filter(slug__in=SLUGS).count() == len(SLUGS)
    except DatabaseError:
        return False


@pytest.fixture(autouse=True)
def _fresh_lookups() -> Iterator[None]:
    """What one test's rolled-back rows taught the process must not reach the next."""
    yield
    lookup.forget_tenants()
    # A real server sets it for every request; the test client does not.
    clear_script_prefix()


@pytest.fixture(scope="session", autouse=True)
def _settings_of_tests() -> Iterator[None]:
    with override_settings(
        # A real hash takes a third of a second, for nothing that is tested here.
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        # What other tests tried is counted in Redis, and outlasts their rollback.
        ACCOUNT_RATE_LIMITS=False,
        MFA_RATE_LIMITS=False,
    ):
        yield


@pytest.fixture(scope="session", autouse=True)
def _middleware_once() -> Iterator[None]:
    """As in a server, all test clients share it; what changes a setting has it built anew.

    It lists hundreds of static files, which takes longer than most tests do.
    """
    built: dict[str, Any] = {}
    parts = [f"_{part}" for part in (
        "middleware_chain", "view_middleware", "template_response_middleware",
        "exception_middleware",
    )]  # fmt: skip
    load = ClientHandler.load_middleware

    def load_once(handler: ClientHandler, is_async: bool = False) -> None:
        if not built:
            load(handler, is_async)
            built.update((part, getattr(handler, part)) for part in parts)
        vars(handler).update(built)

    def forget(**_changed: Any) -> None:
        built.clear()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ClientHandler, "load_middleware", load_once)
        setting_changed.connect(forget)
        yield
        setting_changed.disconnect(forget)


@pytest.fixture
def north(db: None) -> Tenant:
    return lookup.tenant_by_slug("north")


@pytest.fixture
def south(db: None) -> Tenant:
    return lookup.tenant_by_slug("south")


@pytest.fixture
def tenant(north: Tenant) -> Iterator[Tenant]:
    """Entered, as a door would."""
    with inside(north):
        yield north


@pytest.fixture
def yard(django_db_setup: None, django_db_blocker: Any) -> Iterator[Tenant]:
    """A tenant in which tests commit. Not entered; what it holds afterwards is taken away."""
    with django_db_blocker.unblock():
        yard = lookup.tenant_by_slug("yard")
        _clear(yard)
        try:
            yield yard
        finally:
            connection.set_schema_to_public()
            _clear(yard)
            connections.close_all()


def _clear(tenant: Tenant) -> None:
    """As the owner, since neither the application nor the tenant may empty the audit trail."""
    tenant.sandboxes.all().delete()
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = %s"
            " AND tablename NOT LIKE 'policies_p%%' AND tablename NOT IN"
            " ('django_migrations', 'policies_rule', 'policies_versionstep', 'vault_datakey')",
            [tenant.schema_name],
        )
        tables = ", ".join(f'"{tenant.schema_name}".{row[0]}' for row in cursor.fetchall())
        cursor.execute(
            f"TRUNCATE {tables}, public.events_outboxmessage, public.tenants_apikey,"
            " public.auth_user, public.django_session, public.catalog_template,"
            " public.policies_layerpolicy CASCADE"
        )


@pytest.fixture
def n8n() -> Iterator[FakeN8n]:
    """A small n8n on the loopback, with nothing in it."""
    with running_fake_n8n() as fake:
        yield fake


@pytest.fixture
def member_actor() -> Actor:
    return Actor(ActorKind.MEMBER, "1", "Ada Lovelace", frozenset({"approvals:decide"}))


@pytest.fixture
def make_member(db: None) -> Callable[..., Member]:
    def make(tenant: Tenant, role: str = Member.Role.APPROVER, name: str = "ada") -> Member:
        user = User.objects.create_user(
            f"{name}-{tenant.slug}", f"{name}@{tenant.slug}.example", "correct horse battery"
        )
        return Member.objects.create(user=user, tenant=tenant, role=role)

    return make


@pytest.fixture
def browser(make_member: Callable[..., Member]) -> Callable[..., Client]:
    """A logged-in member's test client on the tenant's host: `browser(north, role="viewer")`."""

    def make(tenant: Tenant, member: Member | None = None, **kwargs: Any) -> Client:
        member = member or make_member(tenant, **kwargs)
        client = Client(headers={"host": tenant.host})
        client.force_login(member.user, "django.contrib.auth.backends.ModelBackend")
        return client

    return make


@pytest.fixture
def machine(db: None) -> Callable[..., Client]:
    """A test client with an API key: `machine(north, scopes=[…])`."""

    def make(tenant: Tenant, scopes: list[str] | None = None, **extra: Any) -> Client:
        _key, text = ApiKey.issue(
            tenant=tenant, name="test key", scopes=ALL_SCOPES if scopes is None else scopes, **extra
        )
        return Client(headers={"host": "localhost", "authorization": f"Bearer {text}"})

    return make
