"""What two do to one installation at the same moment."""

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from django.db import connections

from controlplane.catalog.deploy import deploy
from controlplane.catalog.models import STALLED_AFTER, Installation
from controlplane.catalog.services import retry, uninstall
from tenants.context import inside, outside
from tenants.models import ApiKey, Tenant
from tests.factories.events import ADA, make_workspace
from tests.factories.installations import make_installation, make_release
from tests.fakes.n8n import FakeN8n


@pytest.fixture
def installed(yard: Tenant, n8n: FakeN8n, tmp_path: Path, no_celery: None) -> UUID:
    """Committed, and not deployed."""
    release = make_release(tmp_path)
    with inside(yard):
        make_workspace(n8n.url)
        return make_installation(release).pk


@pytest.fixture
def no_celery(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controlplane.core.jobs.current_app.send_task", lambda *_a, **_k: None)


def at_once(yard: Tenant, *works: Callable[[], object]) -> None:
    """Run them in threads of their own, each inside the tenant; the first error is raised."""
    start, errors = threading.Barrier(len(works)), []

    def run(work: Callable[[], object]) -> None:
        try:
            with inside(yard):
                start.wait(10)
                work()
        except Exception as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[work]) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if errors:
        raise errors[0]


def test_two_workers_deploy_one_installation_once(
    installed: UUID, yard: Tenant, n8n: FakeN8n
) -> None:
    at_once(yard, *[lambda: deploy(installed)] * 3)

    with inside(yard):
        installation = Installation.objects.get()
    assert (installation.status, installation.last_error) == ("active", "")
    assert (len(n8n.workflows), len(n8n.credentials)) == (1, 1)
    assert ApiKey.objects.filter(revoked_at=None).count() == 1


def test_uninstalled_while_it_is_deployed_it_is_gone(
    installed: UUID, yard: Tenant, n8n: FakeN8n
) -> None:
    at_once(yard, lambda: deploy(installed), lambda: uninstall(installation_id=installed, by=ADA))

    with inside(yard):
        assert Installation.objects.get().status == "removed"
    assert (n8n.workflows, n8n.credentials) == ({}, {})
    assert not ApiKey.objects.filter(revoked_at=None).exists()


def test_a_retry_pressed_twice_enqueues_one_deployment(
    installed: UUID, yard: Tenant, n8n: FakeN8n, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[object] = []
    monkeypatch.setattr(
        "controlplane.core.jobs.current_app.send_task", lambda *a, **_k: sent.append(a)
    )
    with inside(yard):
        Installation.objects.update(status="failed")

    at_once(yard, *[lambda: retry(installation_id=installed, by=ADA)] * 2)

    assert len(sent) == 1


def test_what_a_worker_left_lying_can_be_retried(
    installed: UUID, yard: Tenant, n8n: FakeN8n
) -> None:
    with inside(yard):
        Installation.objects.update(status="deploying")
        assert retry(installation_id=installed, by=ADA).status == "deploying"
        before = Installation.objects.get().updated_at - STALLED_AFTER - timedelta(seconds=1)
        Installation.objects.update(updated_at=before)

        assert retry(installation_id=installed, by=ADA).status == "pending"


def test_a_fault_of_ours_does_not_leave_it_deploying(
    installed: UUID, yard: Tenant, n8n: FakeN8n, monkeypatch: pytest.MonkeyPatch
) -> None:
    def burst(*_args: object, **_kwargs: object) -> None:
        raise KeyError("id")

    monkeypatch.setattr("controlplane.catalog.deploy.for_tenant", burst)
    with inside(yard):
        with pytest.raises(KeyError):
            deploy(installed)

        installation = Installation.objects.get()
        assert installation.status == "failed"
        assert "KeyError" in installation.last_error
    with outside():
        assert ApiKey.objects.filter(revoked_at=None).count() == 1
