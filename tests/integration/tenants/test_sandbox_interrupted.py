"""A sandbox that is cut off while it is made, emptied or removed is finished by beat alone."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from controlplane.audit.models import Entry
from controlplane.celery import app
from controlplane.core.actor import system
from controlplane.invoices.models import Invoice
from controlplane.orders.models import Order
from controlplane.support.models import Ticket
from tenants import files, lookup
from tenants.context import inside
from tenants.environments import services
from tenants.environments.services import (
    SandboxMissing,
    create_sandbox,
    remove_sandbox,
    reset_sandbox,
)
from tenants.models import Partner, ProvisioningStep, Tenant
from tenants.provisioning import creation, provision_tenant, start_tenant, steps
from tenants.provisioning.schemas import schema_exists

BY = system("test")
app.loader.import_default_modules()


class Crash(BaseException):
    """As if the worker died: no `except Exception` sees it."""


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """The jobs about whole tenants that were enqueued, and that no worker has begun."""
    jobs: list[tuple[str, dict[str, Any]]] = []

    def send(name: str, **given: Any) -> None:
        if name.startswith("tenants."):
            jobs.append((name, given["kwargs"]))

    monkeypatch.setattr("controlplane.core.jobs.current_app.send_task", send)
    return jobs


@pytest.fixture
def production(
    new_slug: Callable[[], str], partner: Partner, tmp_path: Path, settings: Any, sent: list[Any]
) -> Iterator[Tenant]:
    settings.FILES_ROOT = tmp_path / "files"
    slug = new_slug()
    yield provision_tenant(start_tenant(slug=slug, name="Nordwind", partner=partner), by=BY)
    lookup.forget_tenants()


@pytest.fixture
def sandbox(production: Tenant, sent: list[Any]) -> Tenant:
    made = create_sandbox(tenant=production, by=BY)
    work(sent)
    made.refresh_from_db()
    assert_whole(made)
    return made


def work(sent: list[tuple[str, dict[str, Any]]]) -> None:
    """What was enqueued is done."""
    while sent:
        name, given = sent.pop(0)
        app.tasks[name].apply(kwargs=given, throw=True)


def beat(sent: list[tuple[str, dict[str, Any]]]) -> None:
    """Five minutes later, and nobody pressed anything."""
    connections.close_all()  # what a dead process held is let go
    sent.clear()  # and so is its job
    long_ago = timezone.now() - timedelta(hours=1)
    ProvisioningStep.objects.update(created_at=long_ago)
    ProvisioningStep.objects.exclude(started_at=None).update(started_at=long_ago)
    Tenant.objects.filter(sandbox_of__isnull=False).update(updated_at=long_ago)
    app.tasks["tenants.resume_provisioning"].apply(throw=True)
    work(sent)


@contextmanager
def crash_after(owner: Any, name: str) -> Iterator[None]:
    """The worker dies right after `owner.name` was called."""
    real = getattr(owner, name)

    def then_crash(*args: Any, **kwargs: Any) -> Any:
        real(*args, **kwargs)
        raise Crash

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, then_crash)
        with pytest.raises(Crash):
            yield


def assert_whole(sandbox: Tenant) -> None:
    sandbox.refresh_from_db()
    assert sandbox.status == Tenant.Status.ACTIVE
    assert not ProvisioningStep.objects.filter(tenant=sandbox).exclude(status="done").exists()
    with inside(lookup.tenant_by_slug(sandbox.slug)):
        counts = (Order.objects.count(), Invoice.objects.count(), Ticket.objects.count())
    assert counts == (6, 3, 4)


def test_without_n8n_it_has_its_data_and_gets_its_place_there_later(
    production: Tenant, sent: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def bind(tenant: Tenant, by: Any) -> None:
        calls.append(tenant.slug)
        if len(calls) == 1:
            raise RuntimeError("n8n does not answer")

    monkeypatch.setattr(steps, "_steps", [("n8n workspace", bind)])
    sandbox = create_sandbox(tenant=production, by=BY)
    with pytest.raises(RuntimeError):
        work(sent)

    with inside(lookup.tenant_by_slug(sandbox.slug)):
        assert Order.objects.count() == 6, "which needs no n8n"
    beat(sent)

    assert calls == [sandbox.slug] * 2
    assert_whole(sandbox)


def test_a_request_that_no_worker_took_is_done(production: Tenant, sent: list[Any]) -> None:
    sandbox = create_sandbox(tenant=production, by=BY)
    beat(sent)
    assert_whole(sandbox)

    with inside(lookup.tenant_by_slug(sandbox.slug)):
        Ticket.objects.update(subject="tried")
    reset_sandbox(tenant=production, by=BY)
    beat(sent)
    assert_whole(sandbox)
    with inside(lookup.tenant_by_slug(sandbox.slug)):
        assert not Ticket.objects.filter(subject="tried").exists()

    remove_sandbox(tenant=production, by=BY)
    with pytest.raises(SandboxMissing):
        reset_sandbox(tenant=production, by=BY)
    beat(sent)
    assert_gone(production, sandbox)


def test_one_that_stands_is_not_filled_again(sandbox: Tenant) -> None:
    with inside(lookup.tenant_by_slug(sandbox.slug)):
        Ticket.objects.all().delete()
    provision_tenant(sandbox, by=BY)
    # As one of an older release has it, whose filling was no step; and one that was restored.
    ProvisioningStep.objects.filter(tenant=sandbox, name__startswith="synthetic").delete()
    provision_tenant(sandbox, by=BY)
    ProvisioningStep.objects.filter(tenant=sandbox).delete()
    steps.plan_steps(sandbox, stands=True)
    provision_tenant(sandbox, by=BY)

    assert not ProvisioningStep.objects.filter(tenant=sandbox).exclude(status="done").exists()
    with inside(lookup.tenant_by_slug(sandbox.slug)):
        assert not Ticket.objects.exists(), "its people took them away"


@pytest.mark.parametrize("number", range(6))
def test_a_crash_after_each_step_of_making(
    number: int, production: Tenant, sent: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first is the schema; then synthetic data, kind by kind; then n8n."""
    sandbox = create_sandbox(tenant=production, by=BY)
    if number == 0:
        with crash_after(creation, "_stand_up"):
            work(sent)
    else:
        names = [name for name, _run in steps._steps_of(sandbox)]
        assert len(names) == 5
        with pytest.MonkeyPatch.context() as patch:
            for which in ("_sandbox_steps", "_steps"):
                patch.setattr(steps, which, dying(getattr(steps, which), names[number - 1]))
            with pytest.raises(Crash):
                work(sent)
    assert ProvisioningStep.objects.filter(tenant=sandbox).exclude(status="done").exists()

    beat(sent)

    assert_whole(sandbox)


def dying(registered: list[tuple[str, Any]], last: str) -> list[tuple[str, Any]]:
    def then_crash(run: Any) -> Any:
        def crash(tenant: Tenant, by: Any) -> None:
            run(tenant, by)
            raise Crash

        return crash

    return [(name, then_crash(run) if name == last else run) for name, run in registered]


RESETTING = {
    "outside": (services, "_clear_outside"),
    "the files": (services, "_drop_files"),
    "its transaction": (services, "plan_anew"),
    "the schema": (services, "_empty"),
    "the new one": (creation, "_stand_up"),
    "all of it": (services, "provision_tenant"),
}


@pytest.mark.parametrize("where", RESETTING)
def test_a_crash_while_it_is_emptied(
    where: str, production: Tenant, sandbox: Tenant, sent: list[Any]
) -> None:
    with inside(lookup.tenant_by_slug(sandbox.slug)):
        Ticket.objects.update(subject="tried")
        files.store([b"tried"], limit=10)
        folder = files._folder()
    reset_sandbox(tenant=production, by=BY)
    with crash_after(*RESETTING[where]):
        work(sent)

    beat(sent)

    assert_whole(sandbox)
    with inside(lookup.tenant_by_slug(sandbox.slug)):
        assert not Ticket.objects.filter(subject="tried").exists()
        assert b"tried" not in [path.read_bytes() for path in folder.rglob("*") if path.is_file()]


def test_a_reset_that_is_delivered_twice_empties_once(
    production: Tenant, sandbox: Tenant, sent: list[Any]
) -> None:
    reset_sandbox(tenant=production, by=BY)
    again = list(sent)
    work(sent)
    with inside(lookup.tenant_by_slug(sandbox.slug)):
        Ticket.objects.update(subject="tried since")

    work(again)

    assert_whole(sandbox)
    with inside(lookup.tenant_by_slug(sandbox.slug)):
        assert Ticket.objects.filter(subject="tried since").exists()


def test_a_reset_asked_for_before_it_is_made_does_not_empty_it_later(
    production: Tenant, sent: list[Any]
) -> None:
    sandbox = create_sandbox(tenant=production, by=BY)
    reset_sandbox(tenant=production, by=BY)
    work(sent[1:])
    with inside(lookup.tenant_by_slug(sandbox.slug)):
        Ticket.objects.update(subject="tried")

    beat(sent)

    assert_whole(sandbox)
    with inside(lookup.tenant_by_slug(sandbox.slug)):
        assert Ticket.objects.filter(subject="tried").exists()


REMOVING = {
    "outside": (services, "_clear_outside"),
    "the files": (services, "_drop_files"),
    "its transaction": (services, "remove_shared"),
    "the schema": (services, "schema_exists"),
    "the note": (services, "_note"),
}


@pytest.mark.parametrize("where", REMOVING)
def test_a_crash_while_it_is_removed(
    where: str, production: Tenant, sandbox: Tenant, sent: list[Any]
) -> None:
    remove_sandbox(tenant=production, by=BY)
    if where == "the schema":
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(services, "_note", lambda *_given: crash())
            with pytest.raises(Crash):
                work(sent)
        assert not schema_exists(sandbox.schema_name)
    else:
        with crash_after(*REMOVING[where]):
            work(sent)
    assert Tenant.objects.filter(pk=sandbox.pk).exists()

    beat(sent)

    assert_gone(production, sandbox)


def crash() -> None:
    raise Crash


def assert_gone(production: Tenant, sandbox: Tenant) -> None:
    assert not Tenant.objects.filter(pk=sandbox.pk).exists()
    assert not schema_exists(sandbox.schema_name)
    with inside(production):
        assert Entry.objects.filter(action="sandbox.removed").count() == 1
