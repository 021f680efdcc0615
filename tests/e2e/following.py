"""Sending an invoice or a ticket as the demo does, and following it to its end."""

import itertools
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from controlplane.approvals.models import Approval
from controlplane.approvals.services import latest_for
from controlplane.audit.models import Entry
from controlplane.events.models import Event
from controlplane.instances.client.executions import Execution
from controlplane.instances.models import Workspace
from controlplane.instances.services import client_for
from deploy.demo.flows import State, first_number, flow_named
from deploy.demo.member import MemberClient
from deploy.demo.story import STORY, Chapter
from deploy.demo.world import Place
from tenants.context import inside

_numbers = itertools.count(first_number() * 10 + 5_000_000)


@dataclass(frozen=True)
class Followed:
    place: Place
    chapter: Chapter
    event_id: str

    def event(self) -> Event:
        with inside(self.place.tenant):
            return Event.objects.get(pk=self.event_id)

    def state(self) -> State | None:
        with inside(self.place.tenant):
            return flow_named(self.chapter.flow).look(self.event_id)

    def outcome(self) -> str:
        state = self.state()
        return state.outcome if state else ""

    def approval(self) -> Approval | None:
        state = self.state()
        if state is None:
            return None
        with inside(self.place.tenant):
            return latest_for(state.subject_type, state.subject_id)

    def waiting(self) -> Approval | None:
        """The approval, once n8n has put the execution to sleep."""
        approval = self.approval()
        if approval is None or not approval.is_pending:
            return None
        return approval if self.execution().status == "waiting" else None

    def execution(self) -> Execution:
        with inside(self.place.tenant), client_for(Workspace.current()) as n8n:
            return n8n.get_execution(self.event().execution_id, with_data=True)

    def audit(self, action: str) -> int:
        state = self.state()
        assert state is not None
        with inside(self.place.tenant):
            return Entry.objects.filter(action=action, subject_id=str(state.subject_id)).count()

    def decide(self, decision: str, comment: str = "") -> None:
        approval = self.approval()
        assert approval is not None
        member = MemberClient(self.place)
        member.decide(str(approval.pk), decision, comment).raise_for_status()
        member.close()


def chapter_of(flow: str, file: str) -> Chapter:
    return next(c for c in STORY if (c.flow, c.file) == (flow, file))


def send(running: Any, chapter: Chapter) -> Followed:
    place = running.places[chapter.tenant]
    event_id = flow_named(chapter.flow).send(place, chapter, number=next(_numbers))
    return Followed(place, chapter, event_id)


def play(running: Any, eventually: Callable[..., Any], chapter: Chapter) -> Followed:
    """To its end, decided by the member where the chapter says so."""
    followed = send(running, chapter)
    if chapter.answer:
        # Sent before in this checkout's database, it may have ended then.
        eventually(lambda: followed.outcome() or followed.waiting(), what="n8n waits")
        if not followed.outcome():
            followed.decide(chapter.answer, chapter.comment)
    eventually(followed.outcome, what=f"the outcome of {chapter.file}")
    return followed


def subject_id(followed: Followed) -> uuid.UUID:
    state = followed.state()
    assert state is not None
    return state.subject_id
