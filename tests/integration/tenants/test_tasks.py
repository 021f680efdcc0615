"""Work for later runs in the tenant it came from."""

import threading
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from celery.contrib.testing.worker import start_worker
from django.core.cache import cache
from django.db import connection, transaction

from controlplane.celery import app
from controlplane.core import jobs
from controlplane.core.jobs import TENANT_HEADER, UnknownJob, enqueue_on_commit
from tenants.cache import tenant_key
from tenants.context import inside
from tenants.lookup import TenantUnknown
from tenants.models import Tenant
from tenants.taskbase import TenantTask

app.loader.import_default_modules()
OURS = sorted(name for name in app.tasks if not name.startswith("celery."))


def where() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user || ' ' || current_schema()")
        return str(cursor.fetchone()[0])


@pytest.fixture
def noted() -> Iterator[list[str]]:
    """What a task that is there for this test saw when it ran."""
    seen: list[str] = []

    @app.task(name="tests.note_where")
    def note_where(**_: Any) -> None:
        seen.append(where())

    yield seen
    app.tasks.pop("tests.note_where")


@pytest.mark.parametrize("name", OURS)
def test_every_task_enters_by_the_base(name: str) -> None:
    assert isinstance(app.tasks[name], TenantTask)


def test_a_task_runs_in_the_tenant_of_its_header(north: Tenant, noted: list[str]) -> None:
    task = app.tasks["tests.note_where"]

    task.apply(headers={TENANT_HEADER: "t_north"}, throw=True)
    task.apply(headers={TENANT_HEADER: "t_south"}, throw=True)
    task.apply(throw=True)

    assert [place.split("_t_")[-1] for place in noted] == [
        "north t_north", "south t_south", "pergola_app public",
    ]  # fmt: skip
    assert where() == "pergola_app public"


def test_a_task_for_a_tenant_that_is_gone_runs_nowhere(north: Tenant, noted: list[str]) -> None:
    with pytest.raises(TenantUnknown):
        app.tasks["tests.note_where"].apply(headers={TENANT_HEADER: "t_gone"}, throw=True)

    assert noted == []


def test_a_job_without_a_task_fails_where_it_is_enqueued(tenant: Tenant) -> None:
    with pytest.raises(UnknownJob):
        enqueue_on_commit("orders.no_such_job")


def test_tasks_are_imported_at_the_first_job_alone(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Celery runs all of Django's checks each time: a tenth of a second in somebody's request."""
    told: list[str] = []
    monkeypatch.setattr(jobs, "_are_known", threading.Event())
    monkeypatch.setattr(app.loader, "import_default_modules", lambda: told.append("import"))

    for _time in range(3):
        enqueue_on_commit("support.train")

    assert told == ["import"]


def test_through_redis_and_a_worker_it_is_the_same_tenant(yard: Tenant, noted: list[str]) -> None:
    """What was rolled back is not sent; what was committed runs in the tenant it came from."""
    app.control.purge()
    with start_worker(app, pool="solo", perform_ping_check=False, shutdown_timeout=30):
        with inside(yard):
            with pytest.raises(ZeroDivisionError), transaction.atomic():
                enqueue_on_commit("tests.note_where", number=1 // 0)
            with transaction.atomic():
                enqueue_on_commit("tests.note_where")
                assert noted == []
        waiter = threading.Event()
        for _try in range(100):
            if noted:
                break
            waiter.wait(0.05)

    assert [place.split("_t_")[-1] for place in noted] == ["yard t_yard"]


def test_a_cached_value_is_the_tenants_own(north: Tenant, south: Tenant) -> None:
    key = f"answer-{uuid.uuid4()}"
    with inside(north):
        cache.set(key, "north's", 30)
        assert "t_north" in tenant_key(key, "", 1)
    with inside(south):
        assert cache.get(key) is None
        cache.set(key, "south's", 30)
    assert cache.get(key) is None
    with inside(north):
        assert cache.get(key) == "north's"
