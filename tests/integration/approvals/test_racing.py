"""Many at once over one approval: as many votes as it takes, one end, one resume."""

import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from controlplane.approvals.links import LinkOver, decide_by_link, new_link
from controlplane.approvals.models import Approval, Vote
from controlplane.approvals.services import advance_due, decide, get_approval
from controlplane.audit.models import Entry
from controlplane.audit.services import verify_chain
from controlplane.core.actor import Actor
from controlplane.core.errors import DomainError
from controlplane.events.models import OutboxMessage
from tenants.context import inside
from tenants.models import Tenant
from tests.factories.approvals import make_approval
from tests.factories.approvers import make_person, make_route
from tests.factories.events import make_workspace


def at_once(tenant: Tenant, *jobs: Callable[[], object]) -> Counter[str]:
    """Each in a thread of its own, inside the tenant; how they ended."""
    ready, ended = threading.Barrier(len(jobs)), []

    def run(job: Callable[[], object]) -> None:
        with inside(tenant):
            ready.wait(timeout=10)
            try:
                job()
                ended.append("done")
            except DomainError as error:
                ended.append(type(error).__name__)
        connections.close_all()

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return Counter(ended)


@pytest.mark.parametrize("quorum", [1, 3])
def test_no_more_votes_than_it_takes(yard: Tenant, quorum: int) -> None:
    with inside(yard):
        make_workspace()
        make_route(steps=[{"quorum": quorum}])
        approval = make_approval()
    people = [make_person_in(yard, f"p{number}") for number in range(8)]

    ended = at_once(
        yard,
        *(
            lambda by=by: decide(  # type: ignore[misc]
                approval_id=approval.pk, decision="approve", comment="", by=by
            )
            for by in people
        ),
    )

    assert ended == {"done": quorum, "AlreadyEnded": 8 - quorum}
    with inside(yard):
        assert get_approval(approval.pk).status == "approved"
        assert Vote.objects.count() == quorum
        assert Entry.objects.filter(action="approval.approved").count() == 1
        assert verify_chain().broken_at is None
    assert OutboxMessage.objects.filter(handler="approvals.resume").count() == 1


def make_person_in(tenant: Tenant, name: str) -> Actor:
    with inside(tenant):
        return make_person(tenant, name)


def test_one_link_pressed_in_many_windows_is_one_vote(yard: Tenant) -> None:
    ada = make_person_in(yard, "ada")
    with inside(yard):
        make_workspace()
        make_route(steps=[{"quorum": 2}])
        approval = make_approval()
        token = new_link(approval, member_id=ada.id).rstrip("/").rpartition("/")[2]

    ended = at_once(
        yard, *(lambda: decide_by_link(token=token, decision="approve", comment=""),) * 6
    )

    assert ended == {"done": 1, LinkOver.__name__: 5}
    with inside(yard):
        assert Vote.objects.count() == 1


def test_several_beats_at_once_climb_one_step_and_end_once(yard: Tenant) -> None:
    with inside(yard):
        make_workspace()
        make_route(steps=[{"hours": 1}, {}])
        approval = make_approval()
        Approval.objects.update(step_due_at=timezone.now() - timedelta(seconds=1))

    at_once(yard, *(advance_due,) * 4)

    with inside(yard):
        assert get_approval(approval.pk).step == 1
        assert Entry.objects.filter(action="approval.escalated").count() == 1
        Approval.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    at_once(yard, *(advance_due,) * 4)
    with inside(yard):
        assert Entry.objects.filter(action="approval.expired").count() == 1
    assert OutboxMessage.objects.filter(handler="approvals.resume").count() == 1
