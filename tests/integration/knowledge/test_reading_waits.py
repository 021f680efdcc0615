"""Documents that a busy server does not read at once."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from controlplane.core import sandbox
from controlplane.knowledge import tasks
from controlplane.knowledge.models import DocumentVersion
from controlplane.knowledge.services import reading
from tenants.context import inside
from tenants.models import Tenant
from tests.factories import knowledge as factory


def late(*_a: Any, **_k: Any) -> Any:
    raise sandbox.Late("time")


def waiting(version: DocumentVersion, minutes: float) -> DocumentVersion:
    DocumentVersion.objects.filter(pk=version.pk).update(
        status="reading", updated_at=timezone.now() - timedelta(minutes=minutes)
    )
    return version


def test_a_clock_that_ran_out_fails_a_version_on_the_last_try_only(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = waiting(factory.approved("# Returns\n\nWithin 30 days."), 1)
    monkeypatch.setattr(sandbox, "run", late)

    with pytest.raises(sandbox.Busy):
        tasks.ingest(version_id=str(version.pk))
    version.refresh_from_db()
    assert version.status == "reading"

    assert reading.read_version(version.pk).failure_code == "reading_time"


def test_what_waits_too_long_is_enqueued_in_its_tenant(
    north: Tenant,
    south: Tenant,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    sent: list[Any] = []
    with inside(north):
        old = waiting(factory.approved("# One\n\nWithin 30 days."), 11)
        waiting(factory.approved("# Two\n\nWithin 40 days."), 9)
        waiting(factory.approved("# Three\n\nWithin 50 days."), 60 * 25)
    with inside(south):
        other = waiting(factory.approved("# One\n\nWithin 30 days."), 30)
    monkeypatch.setattr(
        "controlplane.core.jobs.current_app.send_task",
        lambda name, *, kwargs, headers, **_: sent.append(
            (name, kwargs, headers["pergola_tenant"])
        ),
    )

    with django_capture_on_commit_callbacks(execute=True):
        tasks.ingest_waiting()

    assert sorted(sent, key=lambda call: call[2]) == [
        ("knowledge.ingest", {"version_id": str(old.pk)}, "t_north"),
        ("knowledge.ingest", {"version_id": str(other.pk)}, "t_south"),
    ]
