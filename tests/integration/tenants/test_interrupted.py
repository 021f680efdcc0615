"""Provisioning that is cut off anywhere leaves nothing half-made that a rerun does not finish."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import pytest
from django.conf import settings
from django.db import connections, transaction

from controlplane.audit.models import Entry
from controlplane.audit.services import verify_chain
from controlplane.core.actor import system
from controlplane.policies.models import Policy
from controlplane.support.models import TriageExample
from tenants import grants
from tenants.context import inside
from tenants.models import Domain, Engagement, Ownership, Partner, ProvisioningStep, Spare, Tenant
from tenants.provisioning import (
    creation,
    provision_tenant,
    rows,
    schemas,
    spares,
    start_tenant,
    steps,
)
from tenants.provisioning.blueprint import current_blueprint
from tenants.provisioning.copies import make_empty
from tenants.provisioning.rows import PartnerTaken
from tenants.provisioning.schemas import schema_exists
from tenants.provisioning.spares import fill_pool
from tests.factories.dumps import dump

BY = system("test")
Slug = Callable[[], str]


class Crash(BaseException):
    """As if the process died: no `except Exception` sees it."""


@contextmanager
def crash_after(owner: Any, name: str, *, times: int = 1) -> Iterator[None]:
    """The process ends right after `owner.name` was called for the `times`th time."""
    real, calls = getattr(owner, name), []

    def then_crash(*args: Any, **kwargs: Any) -> Any:
        answer = real(*args, **kwargs)
        calls.append(name)
        if len(calls) == times:
            raise Crash
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, then_crash)
        with pytest.raises(Crash):
            yield
    # What a dead process held is let go.
    connections.close_all()


@contextmanager
def no_blueprint() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(creation, "current_blueprint", lambda: None)
        yield


@cache
def as_it_should_be() -> str:
    """What no test here changes."""
    return dump("t_north")


def assert_whole(slug: str, partner: Partner) -> None:
    """Everything there is to a tenant, once."""
    tenant = Tenant.objects.get(slug=slug)
    assert tenant.status == Tenant.Status.ACTIVE
    assert dump(tenant.schema_name) == as_it_should_be()
    assert Domain.objects.get(tenant=tenant).domain == f"{slug}.localhost"
    assert Engagement.objects.get(tenant=tenant).partner == partner
    assert Ownership.objects.filter(tenant=tenant).count() == len(Ownership.Area)
    done = ProvisioningStep.objects.filter(tenant=tenant, status="done")
    assert {step.name for step in done} == {"schema", *(name for name, _run in steps._steps)}
    with inside(tenant):
        assert verify_chain().broken_at is None
        assert Entry.objects.filter(action="tenant.created").count() == 1
        assert (
            Entry.objects.filter(action="policy.published").count() == Policy.objects.count() == 3
        )
        texts = list(TriageExample.objects.values_list("text", flat=True))
        assert len(texts) == len(set(texts)) > 100


def make(slug: str, partner: Partner) -> None:
    provision_tenant(start_tenant(slug=slug, name="Nordwind", partner=partner), by=BY)


COPYING = {
    "the tenant's row": (rows, "furnish", 1),
    "the rows": (creation, "alone", 1),
    "the plan": (creation, "begin_again", 1),
    "a spare was taken": (creation, "_find_source", 1),
    "it was handed over": (creation, "_become", 1),
    "roles": (grants, "make_roles", 1),
    "the copy": (creation, "make_copy", 1),
    "the trail": (creation, "tell_trail", 1),
    "the schema": (creation, "_stand_up", 1),
    "the steps": (creation.lookup, "forget_tenants", 1),
}


@pytest.mark.parametrize("where", COPYING)
@pytest.mark.parametrize("ready", [0, 1], ids=["compiled", "spare"])
def test_a_crash_while_copying(where: str, ready: int, new_slug: Slug, partner: Partner) -> None:
    owner, name, times = COPYING[where]
    fill_pool(size=ready)
    if ready and where in {"roles", "the copy"}:
        Spare.objects.update(is_ready=False)  # a spare needs neither: so that it is copied
    slug = new_slug()
    with crash_after(owner, name, times=times):
        make(slug, partner)
    # What was begun in the owner's transaction is gone with it, or all there.
    begun = Tenant.objects.filter(slug=slug).first()
    assert schema_exists(f"t_{slug.replace('-', '_')}") == bool(begun and begun.schema_fingerprint)

    make(slug, partner)

    assert_whole(slug, partner)


def as_migrations_leave_it(_command: str, *, schema_name: str, **_options: Any) -> None:
    """In a schema that was just made, by the blueprint, which is compiled of what they leave.

    They take ten thousand times as long, and are cut off themselves by the first two below.
    """
    blueprint, role = current_blueprint(), grants.role_named(schema_name)
    assert blueprint is not None
    blueprint.grants = []  # which are given afterwards
    grants.make_roles([schema_name])
    with transaction.atomic(using="owner"):
        with connections["owner"].cursor() as cursor:
            cursor.execute(f"DROP SCHEMA {schema_name}")
        make_empty(blueprint, schema_name, role=role)


MIGRATING = {
    "half of the migrations": (grants, "grant_tenant", 0),
    "the migrations": (schemas, "call_command", 1),
    "the rights": (grants, "grant_tenant", 1),
    "the schema": (creation, "build_schema", 1),
    "the starter rows": (creation, "run_seeds", 1),
    "the trail": (creation, "record", 1),
}


@pytest.mark.parametrize("where", MIGRATING)
def test_a_crash_while_migrating(where: str, new_slug: Slug, partner: Partner) -> None:
    from django.db.migrations.executor import MigrationExecutor

    owner, name, times = MIGRATING[where]
    if not times:
        owner, name, times = MigrationExecutor, "apply_migration", 30
    slug = new_slug()
    with pytest.MonkeyPatch.context() as patch:
        if where not in {"half of the migrations", "the migrations"}:
            patch.setattr(schemas, "call_command", as_migrations_leave_it)
        with no_blueprint(), crash_after(owner, name, times=times):
            make(slug, partner)
    assert Tenant.objects.get(slug=slug).status == Tenant.Status.PROVISIONING

    make(slug, partner)

    assert_whole(slug, partner)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_crash_after_each_step_of_a_higher_floor(
    number: int, new_slug: Slug, partner: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []

    def step(name: str) -> Any:
        def run(tenant: Tenant, by: Any) -> None:
            ran.append(name)
            if len(ran) == number:
                raise Crash

        return name, run

    monkeypatch.setattr(steps, "_steps", [step("a"), step("b"), step("c")])
    slug = new_slug()
    with pytest.raises(Crash):
        make(slug, partner)
    make(slug, partner)

    names = ["a", "b", "c"]
    assert ran == [*names[:number], *names[number - 1 :]], "only the one that was cut off twice"
    assert_whole(slug, partner)


SCRIPT = """
import os, signal, sys
sys.path.insert(0, {root!r})
import django; django.setup()
from controlplane.core.actor import system
from tenants.models import Partner
from tenants.provisioning import creation, provision_tenant, start_tenant
def die(*_args, **_kwargs):
    os.kill(os.getpid(), signal.SIGKILL)
creation.{where} = die
partner = Partner.objects.get(slug="partner-yard")
provision_tenant(start_tenant(slug={slug!r}, name="Nordwind", partner=partner), by=system("test"))
"""


@pytest.mark.parametrize("where", ["tell_trail", "steps_to_do"])
def test_a_process_that_is_killed(where: str, new_slug: Slug, partner: Partner) -> None:
    fill_pool(size=1)
    slug = new_slug()
    script = SCRIPT.format(root=str(settings.BASE_DIR), where=where, slug=slug)
    killed = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "controlplane.settings"},
        check=False,
        timeout=120,
    )
    assert killed.returncode == -signal.SIGKILL
    assert Tenant.objects.filter(slug=slug).exists()

    make(slug, partner)

    assert_whole(slug, partner)


def test_spares_that_were_cut_off_are_finished(committed: None) -> None:
    with crash_after(spares, "_begin"):
        fill_pool(size=2)
    with crash_after(spares, "make_copy", times=2):
        fill_pool(size=2)
    assert Spare.objects.filter(is_ready=True).count() == 1

    assert fill_pool(size=2) == 1

    for spare in Spare.objects.all():
        assert spare.is_ready
        assert dump(spare.schema_name) == as_it_should_be()


def test_stale_spares_are_replaced(committed: None) -> None:
    fill_pool(size=1)
    old = Spare.objects.get()
    Spare.objects.update(fingerprint="of an older release")

    assert fill_pool(size=1) == 1

    assert Spare.objects.get().schema_name != old.schema_name
    assert not schema_exists(old.schema_name)


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """What each returned or raised, all of them started together."""
    barrier, answers = threading.Barrier(len(works)), [None] * len(works)

    def run(number: int, work: Callable[[], Any]) -> None:
        barrier.wait()
        try:
            answers[number] = work()
        except Exception as error:
            answers[number] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    return answers


def test_takers_at_once_never_get_the_same_spare(new_slug: Slug, partner: Partner) -> None:
    fill_pool(size=3)
    slugs = [new_slug() for _number in range(4)]

    answers = at_once(*(lambda slug=slug: make(slug, partner) for slug in slugs))

    assert answers == [None] * 4
    assert Spare.objects.count() == 0
    for slug in slugs:
        assert_whole(slug, partner)


def test_the_same_tenant_twice_at_once_is_one(new_slug: Slug, partner: Partner) -> None:
    fill_pool(size=2)
    slug = new_slug()

    answers = at_once(*[lambda: make(slug, partner)] * 3)

    assert answers == [None] * 3
    assert Spare.objects.filter(is_ready=True).count() == 1
    assert_whole(slug, partner)


def test_two_partners_at_once_are_not_both_the_lead(new_slug: Slug, partner: Partner) -> None:
    other = Partner.objects.get(slug="partner-north")
    slug = new_slug()

    answers = at_once(
        *(
            lambda who=who: start_tenant(slug=slug, name="N", partner=who)
            for who in (partner, other)
        )
    )

    refused = [answer for answer in answers if isinstance(answer, PartnerTaken)]
    assert len(refused) == 1
    assert refused[0].errors[0].field == "slug"
    tenant = Tenant.objects.get(slug=slug)
    assert tenant.engagements.count() == 1
    assert isinstance(answers[0 if tenant.lead_partner == partner else 1], Tenant)
