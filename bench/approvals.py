"""1,000 people who may decide, all at once over one approval; n8n goes on once.

Everybody has an own role in the tenant and answers through the service that the portal calls, from
16 threads, against a PostgreSQL of the bench's own. The waiting execution is one of a small n8n on
the loopback, which counts how often it was let go on; its first calls fail, once before and once
after they had their effect, and four relays deliver at the same time, twice over. The table has
every round; the last line counts all of them: each execution must go on once.
"""

import os
import statistics
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

from bench.provisioning import _start_over
from bench.run import Report, percentile

ROOT = Path(__file__).resolve().parent.parent
NEEDS_DATA = False
RACERS, THREADS, RELAYS = 1000, 16, 4
EXECUTION = "71"
# What is raced for: a first click wins; as many agree as the terms say; some are against it.
ROUNDS: dict[str, dict[str, Any]] = {
    "anyone decides": {},
    "quorum of 15": {"steps": [{"quorum": 15}]},
    "quorum of 15, 5 reject": {"steps": [{"quorum": 15}], "rejections": 5},
}


def run(data: Path, report: Report) -> dict[str, Any]:
    from tests.fakes.n8n import running_fake_n8n

    rows, figures = [], {"racers": 0, "resumes": 0}
    with _platform() as tenant:
        people = _make_people(tenant)
        for title, terms in ROUNDS.items():
            with running_fake_n8n() as n8n:
                found = _round(report, tenant, people, n8n, title, terms)
            rows.append([title, *found.values()])
            figures["racers"] = max(figures["racers"], found["racers"])
            figures["resumes"] = max(figures["resumes"], found["went on"])
            if found["went on"] != 1 or found["ends in the trail"] != 1:
                raise RuntimeError(f"{title}: {found}")
    report.table(
        f"{RACERS} people, {THREADS} threads, one approval",
        ["round", *found],
        rows,
    )
    return figures


def _round(
    report: Report, tenant: Any, people: list[Any], n8n: Any, title: str, terms: dict[str, Any]
) -> dict[str, Any]:
    from controlplane.approvals.models import Approval
    from controlplane.audit.models import Entry
    from controlplane.audit.services import verify_chain
    from tenants.context import inside

    went_on = _waiting_execution(n8n)
    with inside(tenant):
        approval = _ask(n8n, title, terms)
    seconds: list[float] = []
    answers: Counter[str] = Counter()
    began = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        racing = [
            pool.submit(_answer, tenant, approval.pk, person, number)
            for number, person in enumerate(people)
        ]
        for each in racing:
            outcome, taken = each.result()
            answers[outcome] += 1
            seconds.append(taken)
            report.row(round=title, outcome=outcome, seconds=taken)
    whole = time.perf_counter() - began
    _relay()
    with inside(tenant):
        ended = Approval.objects.get(pk=approval.pk)
        ends = Entry.objects.filter(
            subject_id=str(approval.pk), action__in=["approval.approved", "approval.rejected"]
        ).count()
        if (broken := verify_chain().broken_at) is not None:
            raise RuntimeError(f"{title}: the audit trail is broken at {broken}")
        votes = ended.votes.count()
    return {
        "racers": len(people),
        "ended as": ended.status,
        "votes": votes,
        "too late": answers["AlreadyEnded"],
        "ends in the trail": ends,
        "calls": len(n8n.called("POST", "/webhook-waiting/")),
        "went on": len(went_on),
        "p50 ms": statistics.median(seconds) * 1000,
        "p95 ms": percentile(seconds, 95) * 1000,
        "answers/s": len(people) / whole,
    }


def _waiting_execution(n8n: Any) -> list[float]:
    """As n8n's Wait node: the first call goes on, any other finds nothing that waits."""
    went_on: list[float] = []
    lock = threading.Lock()

    def wake(body: dict[str, Any]) -> int:
        with lock:
            if n8n.executions[EXECUTION] != "waiting":
                return 409
            n8n.executions[EXECUTION] = "success"
            went_on.append(time.time())
            return 200

    path = f"/webhook-waiting/{EXECUTION}"
    n8n.executions[EXECUTION] = "waiting"
    n8n.webhooks[path] = wake
    n8n.refuse("POST", path, status=503)
    n8n.break_off("POST", path, after_effect=False)
    n8n.break_off("POST", path, after_effect=True)
    return went_on


def _ask(n8n: Any, title: str, terms: dict[str, Any]) -> Any:
    from controlplane.approvals.models import Route
    from controlplane.approvals.services import request_approval
    from controlplane.instances.models import Workspace
    from tests.factories.approvals import make_execution_actor, make_order
    from tests.factories.approvers import make_route
    from tests.factories.events import make_workspace

    Route.objects.all().delete()
    Workspace.objects.all().delete()
    make_workspace(n8n.url)
    make_route(title, **terms)
    return request_approval(
        subject_type="order",
        subject_id=make_order(1001 + list(ROUNDS).index(title)).pk,
        expires_in=timedelta(hours=1),
        resume_url=f"{n8n.url}/webhook-waiting/{EXECUTION}",
        by=make_execution_actor(EXECUTION),
    )


def _answer(tenant: Any, approval_id: Any, person: Any, number: int) -> tuple[str, float]:
    """What came of it: the state, or the name of the refusal."""
    from controlplane.approvals.services import decide
    from controlplane.core.errors import DomainError
    from tenants.context import inside

    began = time.perf_counter()
    try:
        with inside(tenant):
            decision = "reject" if number % 10 == 9 else "approve"
            outcome = decide(approval_id=approval_id, decision=decision, comment="", by=person)
            said = str(outcome.status)
    except DomainError as error:
        said = type(error).__name__
    return said, time.perf_counter() - began


def _relay() -> None:
    """Several relays, each message given to all of them, until nothing is left to send."""
    from controlplane.events import outbox
    from controlplane.events.models import OutboxMessage

    mine = OutboxMessage.objects.filter(handler="approvals.resume")
    with ThreadPoolExecutor(RELAYS) as pool:
        until = time.monotonic() + 60
        while mine.exists():
            if time.monotonic() > until:
                raise RuntimeError("the execution was not resumed within a minute")
            mine.update(due_at=_ago(), claimed_until=None)
            for message in outbox.claim(50):
                if message.handler == "approvals.resume":
                    list(pool.map(outbox.carry_out, [message] * RELAYS))


def _ago() -> Any:
    from django.utils import timezone

    return timezone.now() - timedelta(seconds=1)


def _make_people(tenant: Any) -> list[Any]:
    from django.contrib.auth.models import User

    from tenants.members import people_of
    from tenants.models import Member

    users = User.objects.bulk_create(
        User(username=f"racer-{number}", email=f"racer-{number}@bench.example")
        for number in range(RACERS)
    )
    Member.objects.bulk_create(Member(user=user, tenant=tenant, role="approver") for user in users)
    return [person.actor for person in people_of(tenant).values()]


@contextmanager
def _platform() -> Iterator[Any]:
    """A PostgreSQL and a Redis of the bench's own, and one tenant."""
    from deploy.embedded.progress import Silent
    from deploy.embedded.stack import Stack

    var = ROOT / "var" / "bench-approvals"
    (ROOT / "var" / "static").mkdir(parents=True, exist_ok=True)
    stack = Stack(ROOT, var=var, reporter=Silent(), environ={})
    with stack:
        stack.start(n8n=False)
        os.environ.update(
            stack.environment(),
            DJANGO_SETTINGS_MODULE="controlplane.settings",
            DATABASE_POOL="false",
            LOG_LEVEL="CRITICAL",
            FILES_ROOT=str(var / "files"),
        )
        _start_over(os.environ["DATABASE_OWNER_URL"])
        import django

        django.setup()
        from django.core.management import call_command

        from controlplane.core.actor import system
        from tenants.models import Partner
        from tenants.provisioning import provision_tenant, start_tenant

        call_command("migrate_fleet", stdout=StringIO())
        partner, _new = Partner.objects.get_or_create(slug="bench", defaults={"name": "Bench"})
        tenant = start_tenant(slug="race", name="Race", partner=partner)
        provision_tenant(tenant, by=system("bench"))
        tenant.refresh_from_db()
        yield tenant
