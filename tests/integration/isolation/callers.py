"""Everybody who must not get in, and the few who may: the other side of the matrix.

Another kind of caller (a role, a key, a session) is one more line in `Callers.foreign`.
"""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from django.contrib.auth.models import User
from django.test import Client
from django.test.client import ClientHandler
from django.utils import timezone

from tenants import lookup
from tenants.models import ApiKey, Engagement, Member, Partner, Tenant
from tests.conftest import ALL_SCOPES
from tests.factories.support_access import make_entry
from tests.integration.isolation.doors import METHODS

BACKEND = "django.contrib.auth.backends.ModelBackend"


@cache
def handler(*, checks_csrf: bool) -> ClientHandler:
    """One for all clients: middleware takes longer to build than a thousand cells to try."""
    made = ClientHandler(enforce_csrf_checks=checks_csrf)
    made.load_middleware()
    return made


def client_on(host: str, *, checks_csrf: bool = False) -> Client:
    client = Client(headers={"host": host})
    client.handler = handler(checks_csrf=checks_csrf)
    return client


@dataclass(frozen=True)
class Caller:
    """`way` is how it comes in: nobody, key, bad_key, session or dead_session.

    `home` is the host of the tenant that it does belong to. `leads` marks the strongest of each
    way: who may do less in the same tenant comes in as far at most, and tries GET and POST.
    """

    name: str
    way: str
    session: str = ""
    key: str = ""
    home: str = ""
    leads: bool = False

    @property
    def methods(self) -> tuple[str, ...]:
        return METHODS if self.leads else METHODS[:2]

    def client(self, host: str, *, checks_csrf: bool = False) -> Client:
        client = client_on(host, checks_csrf=checks_csrf)
        if self.session:
            client.cookies["pergola_session"] = self.session
        if self.key:
            client.defaults["HTTP_AUTHORIZATION"] = f"Bearer {self.key}"
        return client


class Callers:
    """Of `tenant` (whose rows are tried for), its neighbour, and its sandbox."""

    def __init__(self, tenant: Tenant, neighbour: Tenant, sandbox: Tenant) -> None:
        self.tenant, self.neighbour, self.sandbox = tenant, neighbour, sandbox
        # The sandbox stands on a schema of its own like any tenant; here `yard` lends one.
        Tenant.objects.filter(pk=sandbox.pk).update(
            environment=Tenant.Environment.SANDBOX, sandbox_of=tenant, slug=f"{tenant.slug}-sandbox"
        )
        sandbox.refresh_from_db()
        # One partner serves both, so that being of the partner's house is no way in by itself.
        self.partner = Partner.objects.get(engagements__tenant=tenant)
        Engagement.objects.create(partner=self.partner, tenant=neighbour)
        self.elsewhere = Partner.objects.create(slug="elsewhere", name="Elsewhere")
        Engagement.objects.create(partner=self.elsewhere, tenant=neighbour)
        lookup.forget_tenants()
        role = Member.Role
        self.manager = self._person("manager", tenant=tenant, role=role.MANAGER)
        self.builder = self._person("own partner's", partner=self.partner, role=role.MANAGER)
        self.viewer = self._person("viewer", tenant=tenant, role=role.VIEWER)
        self.machine = self._machine("own key")
        self.scopeless = self._machine("own key without scopes", scopes=[])
        self.staff = self._user("staff", is_staff=True)
        self.root = self._user("root", is_staff=True, is_superuser=True)
        # A platform admin with support access to each, for a reason and a time.
        self.helper = self._user("helper", is_staff=True, is_superuser=True)
        for place in (tenant, neighbour):
            make_entry(User.objects.get(username="helper"), place)
        self.foreign_machine = self._machine("foreign key with all scopes", neighbour, leads=True)
        self.foreign = [
            Caller("nobody", "nobody", leads=True),
            Caller("a key that nobody issued", "bad_key", key=f"pgl_live_{'0' * 12}_{'0' * 64}"),
            self._forged("own key with another secret"),
            self._renamed("own key, said to be of the sandbox"),
            self.foreign_machine,
            self._machine("key of the sandbox", sandbox),
            self._machine("revoked key", way="bad_key", revoked_at=timezone.now()),
            self._machine(
                "expired key", way="bad_key", expires_at=timezone.now() - timedelta(seconds=1)
            ),
            *(
                self._person(f"foreign {name}", tenant=neighbour, role=name)
                for name in (role.VIEWER, role.APPROVER, role.MANAGER)
            ),
            self._person("manager of a foreign partner", partner=self.elsewhere, role=role.MANAGER),
            self._person("somebody with no role anywhere"),
            self._removed("removed manager"),
            self._inactive("manager who left"),
            self.staff,
            self.root,
            self.helper,
        ]

    def whose(self, route: str) -> Caller:
        """Who may do most at the address: a partner's templates and rules are its own people's."""
        own = route.removeprefix("api/v1/").startswith(
            ("templates/own/", "partner-rules/", "releases", "rollouts")
        )
        return self.builder if own else self.manager

    def machine_of(self, installation_id: uuid.UUID) -> Caller:
        return self._machine("own key of another installation", installation_id=installation_id)

    def machine_for(self, operations: list[str]) -> Caller:
        return self._machine("own key for some operations", operations=operations)

    def machine_with(self, scopes: list[str]) -> Caller:
        return self._machine("own key with some scopes", scopes=scopes)

    def _machine(
        self,
        name: str,
        tenant: Tenant | None = None,
        *,
        way: str = "key",
        scopes: list[str] | None = None,
        leads: bool = False,
        **changes: Any,
    ) -> Caller:
        tenant = tenant or self.tenant
        key, text = ApiKey.issue(
            tenant=tenant, name=name, scopes=ALL_SCOPES if scopes is None else scopes
        )
        ApiKey.objects.filter(pk=key.pk).update(**{"name": name} | changes)
        return Caller(name, way, key=text, home=tenant.host, leads=leads)

    def _forged(self, name: str) -> Caller:
        text = self._machine(name).key
        return Caller(name, "bad_key", key=text[:-1] + ("0" if text[-1] != "0" else "1"))

    def _renamed(self, name: str) -> Caller:
        return Caller(name, "bad_key", key=self._machine(name).key.replace("_live_", "_test_"))

    def _person(self, name: str, **membership: Any) -> Caller:
        caller = self._user(name, home=membership.get("tenant", self.neighbour).host)
        if membership:
            Member.objects.create(user=User.objects.get(username=name), **membership)
        return caller

    def _removed(self, name: str) -> Caller:
        caller = self._person(name, tenant=self.tenant, role=Member.Role.MANAGER)
        Member.objects.filter(user__username=name).delete()
        return caller

    def _inactive(self, name: str) -> Caller:
        caller = self._person(name, tenant=self.tenant, role=Member.Role.MANAGER)
        User.objects.filter(username=name).update(is_active=False)
        return Caller(name, "dead_session", session=caller.session, home=caller.home)

    def _user(self, name: str, *, home: str = "", **flags: bool) -> Caller:
        user = User.objects.create(username=name, **flags)
        client = client_on(home or self.neighbour.host)
        client.force_login(user, BACKEND)
        session = client.cookies["pergola_session"].value
        return Caller(
            name, "session", session=session, home=home or self.neighbour.host,
            leads=name == f"foreign {Member.Role.MANAGER}",
        )  # fmt: skip
