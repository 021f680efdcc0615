"""n8n takes its listeners away when it stops, and has them listen again one by one."""

import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from controlplane.core.actor import Execution, system
from controlplane.events import outbox
from controlplane.events.delivery import deliver
from controlplane.events.models import Delivery, OutboxMessage, Subscription
from controlplane.events.reconciling import reconcile
from controlplane.events.services import (
    fetch_delivered,
    forget_installation,
    subscriptions_at,
    unsubscribe,
    unsubscribe_installation,
)
from controlplane.portal.deliveries import fate_of
from tenants.context import outside
from tenants.models import Tenant
from tenants.retention.purge import purge_entered_tenant
from tests.factories.events import (
    make_event,
    make_machine,
    make_subscription,
    make_workspace,
)
from tests.fakes.n8n import FakeN8n


def in_outbox() -> list[uuid.UUID]:
    with outside():
        return list(OutboxMessage.objects.values_list("reference", flat=True))


class TestStartingAnew:
    @pytest.fixture(autouse=True)
    def _workspace(self, tenant: Tenant, n8n: FakeN8n) -> None:
        make_workspace(n8n.url)
        self.url = n8n.url

    def listen(self, name: str, **given: Any) -> Subscription:
        return make_subscription(self.url, path=f"/webhook/{name}", workflow_id=name, **given)

    def stop(self, *subscriptions: Subscription) -> None:
        for one in subscriptions:
            by = make_machine(one.installation_id)
            unsubscribe(subscription_id=one.pk, by=by)

    def subjects(self, subscription: Subscription) -> list[str]:
        found = subscription.deliveries.order_by("event__received_at").select_related("event")
        return [delivery.event.subject for delivery in found]

    def test_each_gets_what_itself_left(self) -> None:
        both = [self.listen("wf1"), self.listen("wf2")]
        make_event()
        self.stop(*both)

        back = [self.listen(name) for name in ("wf2", "wf1")]

        assert [self.subjects(one) for one in back] == [["#1001"], ["#1001"]]
        assert len(in_outbox()) == 4

    def test_another_takes_nothing_that_is_not_its_own(self) -> None:
        left = self.listen("wf1")
        make_event()
        self.stop(left)

        other = self.listen("wf2")

        assert self.subjects(other) == []
        assert self.subjects(left) == ["#1001"]

    def test_an_installation_takes_it_along_to_another_address(self) -> None:
        by = make_machine(uuid.uuid4())
        left = self.listen("old", by=by)
        make_event()
        unsubscribe_installation(by.installation_id)

        new = self.listen("new", by=by)

        assert (self.subjects(left), self.subjects(new)) == ([], ["#1001"])

    def test_what_came_meanwhile_goes_to_all_that_come_back(self) -> None:
        both = [self.listen("wf1"), self.listen("wf2")]
        self.stop(*both)
        make_event(number=1)
        back = [self.listen("wf1")]
        make_event(number=2)
        back.append(self.listen("wf2"))

        assert [self.subjects(one) for one in back] == [["#1", "#2"]] * 2

    def test_who_was_away_for_longer_gets_nothing_that_others_had(self) -> None:
        stays, leaves = self.listen("wf1"), self.listen("wf2")
        self.stop(leaves)
        make_event()
        Subscription.objects.filter(pk=leaves.pk).update(
            stopped_at=timezone.now() - timedelta(hours=1)
        )

        back = self.listen("wf2")

        assert (self.subjects(stays), self.subjects(back)) == (["#1001"], [])

    def test_nobody_is_shown_who_has_stopped(self) -> None:
        left = self.listen("wf1")
        self.stop(left)

        assert subscriptions_at(left.webhook_url, by=make_machine()) == []
        assert list(Subscription.objects.listening()) == []
        make_event()
        assert not Delivery.objects.exists()

    def test_a_run_that_began_before_fetches_its_event(self, n8n: FakeN8n) -> None:
        n8n.webhooks["/webhook/wf1"] = lambda body: 200
        left = self.listen("wf1", is_fetched_in_execution=True)
        make_event()
        with pytest.raises(outbox.NotYet):
            deliver(Delivery.objects.get().pk)
        self.stop(left)
        body = n8n.called("POST", "/webhook/wf1")[-1].body

        by = replace(make_machine(), execution=Execution("wf1", "7", "Fetch"))
        given = {"delivery_id": uuid.UUID(body["delivery_id"]), "token": body["token"]}
        fetch_delivered(**given, by=by)
        before = in_outbox()
        self.listen("wf1", is_fetched_in_execution=True)

        assert in_outbox() == before

    def test_what_it_wants_no_more_is_the_next_ones(self) -> None:
        left = self.listen("wf1")
        make_event()
        self.stop(left)
        self.listen("wf1", event_types=["order.updated"])

        other = self.listen("wf2")

        assert self.subjects(other) == ["#1001"]

    def test_what_a_removed_installation_left_is_the_next_ones(self) -> None:
        by = make_machine(uuid.uuid4())
        self.stop(self.listen("wf1", by=by))
        left = self.listen("wf1", by=by)
        make_event()
        self.stop(left)
        assert by.installation_id is not None
        forget_installation(by.installation_id)

        assert self.subjects(self.listen("wf2")) == ["#1001"]

    @pytest.mark.parametrize(("is_there", "subjects"), [(True, []), (False, ["#1001"])])
    def test_what_a_workflow_left_that_is_gone_from_n8n_is_the_next_ones(
        self, n8n: FakeN8n, is_there: bool, subjects: list[str]
    ) -> None:
        left = self.listen("wf1")
        make_event()
        self.stop(left)
        Subscription.objects.update(stopped_at=timezone.now() - timedelta(minutes=3))
        if is_there:
            n8n.workflows["wf1"] = {
                "id": "wf1", "name": "Orders", "active": False, "nodes": [], "connections": {},
                "versionId": "v1", "activeVersionId": None, "tags": [], "settings": {},
            }  # fmt: skip

        reconcile()

        assert self.subjects(self.listen("wf2")) == subjects

    def test_who_named_no_workflow_is_forgotten(self) -> None:
        left = make_subscription(self.url, workflow_id="")
        make_event()
        self.stop(left)

        assert self.subjects(self.listen("wf2")) == ["#1001"]

    def test_an_event_whose_listener_has_stopped_is_shown_as_unheard(self) -> None:
        left = self.listen("wf1")
        event = make_event()
        assert fate_of(event).status == "pending"

        self.stop(left)

        assert fate_of(event).status == "unheard"
        self.listen("wf1")
        assert fate_of(event).status == "pending"

    def test_it_is_forgotten_long_after_unless_something_is_left_for_it(self) -> None:
        listens, owed = self.listen("wf1", event_types=["mail.received"]), self.listen("wf2")
        stopped = self.listen("wf3", event_types=["mail.received"])
        make_event()
        self.stop(owed, stopped)
        Subscription.objects.filter(pk__in=[owed.pk, stopped.pk]).update(
            stopped_at=timezone.now() - timedelta(days=5000)
        )

        purge_entered_tenant(by=system("tests"))

        assert set(Subscription.objects.all()) == {listens, owed}
