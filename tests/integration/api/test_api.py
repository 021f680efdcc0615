"""What the API answers when all is well: the trigger's calls, people's approvals, health, docs."""

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from controlplane.approvals.models import Approval
from controlplane.events.models import Event
from controlplane.nodes.registry import all_operations
from tenants.context import inside
from tenants.models import ApiKey, Member, Tenant
from tests.factories.approvals import make_approval, make_order
from tests.factories.approvers import make_partner, make_person
from tests.factories.events import NOWHERE, make_event, make_workspace

URL = f"{NOWHERE}/webhook/orders"
SUBSCRIPTION = {"webhook_url": URL, "event_types": ["order.created"], "workflow_id": "wf1"}


@pytest.fixture
def caller(north: Tenant, machine: Callable[..., Client]) -> Client:
    with inside(north):
        make_workspace()
    return machine(north)


def test_whoami_tells_whose_key_it_is(north: Tenant, machine: Callable[..., Client]) -> None:
    installation = uuid.uuid4()
    client = machine(
        north, scopes=["orders:review", "approvals:read"], installation_id=installation
    )

    assert client.get("/api/v1/whoami").json() == {
        "tenant": "north",
        "tenant_name": "North",
        "environment": "production",
        "installation_id": str(installation),
        "scopes": ["approvals:read", "orders:review"],
    }


def test_a_keys_use_is_noted(north: Tenant, machine: Callable[..., Client]) -> None:
    machine(north).get("/api/v1/whoami")

    last = ApiKey.objects.get().last_used_at
    assert last is not None
    assert (timezone.now() - last).total_seconds() < 60


def test_a_trigger_subscribes_looks_and_leaves(caller: Client) -> None:
    first = caller.put("/api/v1/subscriptions", SUBSCRIPTION, "application/json")
    again = caller.put("/api/v1/subscriptions", SUBSCRIPTION, "application/json")
    found = caller.get("/api/v1/subscriptions", {"webhook_url": URL}).json()["results"]

    assert first.status_code == 200
    assert first.json() == again.json()
    assert [row["subscription_id"] for row in found] == [first.json()["subscription_id"]]
    path = f"/api/v1/subscriptions/{first.json()['subscription_id']}"
    assert [caller.delete(path).status_code for _try in range(2)] == [204, 204]
    assert caller.get("/api/v1/subscriptions", {"webhook_url": URL}).json() == {"results": []}


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"webhook_url": "http://evil.example/x"}, 400, "url_not_own"),
        ({"event_types": ["order.eaten"]}, 422, "event_type_unknown"),
        ({"event_types": []}, 422, "input_invalid"),
        ({"webhook": "x"}, 422, "input_invalid"),
        ({"test": "perhaps"}, 422, "input_invalid"),
    ],
)
def test_a_subscription_that_cannot_be(
    caller: Client, change: dict[str, Any], status: int, code: str
) -> None:
    answer = caller.put("/api/v1/subscriptions", SUBSCRIPTION | change, "application/json")

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_tenant_without_n8n_is_told_so(north: Tenant, machine: Callable[..., Client]) -> None:
    answer = machine(north).put("/api/v1/subscriptions", SUBSCRIPTION, "application/json")

    assert (answer.status_code, answer.json()["code"]) == (409, "workspace_missing")


def test_an_order_from_event_to_outcome(caller: Client, north: Tenant) -> None:
    """The calls that the order template's nodes make, in their order."""
    run = {"X-N8N-Workflow-Id": "wf1", "X-N8N-Execution-Id": "71"}

    def call(operation: str, body: dict[str, Any], node: str) -> dict[str, Any]:
        answer = caller.post(
            f"/api/v1/operations/{operation}", body, "application/json",
            headers=run | {"X-N8N-Node": node},
        )  # fmt: skip
        assert answer.status_code == 200, answer.json()
        return answer.json()

    with inside(north):
        event = make_event()
    reviewed = call("order/review", {"event_id": str(event.pk)}, "Review")
    assert (reviewed["verdict"], reviewed["number"]) == ("accept", "#1001")
    assert reviewed["total"] == {"amount": "119.00", "currency": "EUR"}
    assert reviewed["url"].startswith("http://north.localhost")
    asked = call("approval/request", {"subject_id": reviewed["order_id"]}, "Ask")
    assert asked["status"] == "pending"
    again = call("approval/get", {"approval_id": asked["approval_id"]}, "Look")
    assert again == asked
    outcome = {"order_id": reviewed["order_id"], "outcome": "accepted"}
    recorded = call("order/record_outcome", outcome, "Record")
    assert recorded["outcome"] == "accepted"
    assert recorded["audit_sequence"] > 0
    with inside(north):
        assert Event.objects.get(pk=event.pk).execution_id == "71"


class TestApprovalsOfPeople:
    @pytest.fixture
    def approval(self, north: Tenant) -> Approval:
        with inside(north):
            make_workspace()
            return make_approval()

    def path(self, approval: Approval, more: str = "") -> str:
        return f"/api/v1/approvals/{approval.pk}{more}"

    def test_list_and_look(
        self, north: Tenant, approval: Approval, browser: Callable[..., Client]
    ) -> None:
        client = browser(north, role=Member.Role.VIEWER)

        listed = client.get("/api/v1/approvals").json()
        one = client.get(self.path(approval)).json()

        assert listed["count"] == 1
        assert listed["results"] == [one]
        assert (one["title"], one["status"], one["amount"]) == (
            "Order #1001",
            "pending",
            "119.0000",
        )
        assert client.get("/api/v1/approvals?status=approved").json()["count"] == 0
        assert client.get(self.path(Approval())).json()["code"] == "approval_unknown"

    def test_decide_twice_and_too_late(
        self, north: Tenant, approval: Approval, browser: Callable[..., Client]
    ) -> None:
        ada, ben = browser(north), browser(north, name="ben")
        body = {"decision": "approve", "comment": "fine"}

        first = ada.post(self.path(approval, "/decision"), body, "application/json")
        again = ada.post(self.path(approval, "/decision"), body, "application/json")
        late = ben.post(self.path(approval, "/decision"), body, "application/json")

        assert first.status_code == again.status_code == 200
        assert first.json() == again.json()
        assert (first.json()["status"], first.json()["decided_by"]) == ("approved", "ada-north")
        assert (late.status_code, late.json()["code"]) == (409, "approval_ended")
        assert "by ada-north" in late.json()["detail"]

    @pytest.mark.parametrize(
        "body",
        [
            {}, {"decision": "maybe"}, {"decision": None}, {"decision": "approve", "comment": 5},
            {"decision": "approve", "comment": "x" * 2001}, {"decision": "approve", "by": "me"},
        ],
    )  # fmt: skip
    def test_an_answer_that_is_none(
        self,
        north: Tenant,
        approval: Approval,
        browser: Callable[..., Client],
        body: dict[str, Any],
    ) -> None:
        answer = browser(north).post(self.path(approval, "/decision"), body, "application/json")

        assert (answer.status_code, answer.json()["code"]) == (422, "input_invalid")
        with inside(north):
            assert Approval.objects.get().is_pending

    def test_a_forged_form_decides_nothing(
        self, north: Tenant, approval: Approval, make_member: Callable[..., Member]
    ) -> None:
        client = Client(headers={"host": north.host}, enforce_csrf_checks=True)
        client.force_login(make_member(north).user, "django.contrib.auth.backends.ModelBackend")
        path, body = self.path(approval, "/decision"), {"decision": "approve"}

        forged = client.post(path, body, "application/json")
        assert (forged.status_code, forged.json()["code"]) == (403, "not_allowed")

        client.get("/approvals/")
        token = client.get(f"/approvals/{approval.pk}/").context["csrf_token"]
        client.cookies["pergola_csrf"] = str(token)
        honest = client.post(path, body, "application/json", headers={"X-CSRFToken": str(token)})
        assert honest.status_code == 200

    @pytest.mark.parametrize("rows", [1, 20])
    def test_a_longer_list_asks_no_more_questions(
        self,
        north: Tenant,
        browser: Callable[..., Client],
        rows: int,
        django_assert_max_num_queries: Any,
    ) -> None:
        with inside(north):
            make_workspace()
            for number in range(rows):
                make_approval(make_order(number), execution_id="")
        client = browser(north)
        client.get("/api/v1/approvals")  # what a process remembers of a tenant

        with django_assert_max_num_queries(10):
            assert len(client.get("/api/v1/approvals").json()["results"]) == rows

    def test_pages(self, north: Tenant, browser: Callable[..., Client]) -> None:
        with inside(north):
            for number in range(3):
                make_approval(make_order(number), execution_id="")
        client = browser(north)

        page = client.get("/api/v1/approvals?page_size=2&page=2").json()

        assert (page["count"], len(page["results"])) == (3, 1)
        assert client.get("/api/v1/approvals?page=9").json()["code"] == "not_found"


class TestHealthAndDocs:
    @pytest.mark.parametrize("host", ["localhost", "north.localhost", "127.0.0.1"])
    def test_alive_and_ready(self, north: Tenant, host: str) -> None:
        client = Client(headers={"host": host})

        assert client.get("/healthz").json() == {"status": "ok"}
        ready = client.get("/readyz")
        assert ready.status_code == 200
        assert ready.json()["checks"] == {"database": "ok", "redis": "ok"}

    def test_not_ready_without_redis(self, db: None, settings: Any) -> None:
        settings.REDIS_URL = "redis://127.0.0.1:9/0"

        ready = Client(headers={"host": "localhost"}).get("/readyz")

        assert ready.status_code == 503
        assert ready.json()["status"] == "unavailable"
        assert "unreachable" in ready.json()["checks"]["redis"]
        assert Client(headers={"host": "localhost"}).get("/healthz").status_code == 200

    def test_not_ready_with_migrations_missing(
        self, db: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(
            "controlplane.api.health.known_migrations", lambda: frozenset({"orders.9999_later"})
        )

        ready = Client(headers={"host": "localhost"}).get("/readyz")

        assert ready.status_code == 503
        assert "migrate_fleet" in ready.json()["checks"]["database"]

    def test_ready_beside_a_newer_shared_schema(
        self, db: None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(
            "controlplane.api.health.known_migrations", lambda: frozenset({"orders.0001_initial"})
        )

        assert Client(headers={"host": "localhost"}).get("/readyz").status_code == 200

    def test_ready_takes_one_query(
        self, db: None, django_assert_num_queries: Callable[..., Any]
    ) -> None:
        client = Client(headers={"host": "localhost"})
        client.get("/readyz")

        with django_assert_num_queries(1):
            client.get("/readyz")

    def test_the_schema_names_every_operation(self, db: None) -> None:
        answer = Client(headers={"host": "localhost"}).get("/api/schema/?format=json")

        paths = answer.json()["paths"]
        for operation in all_operations():
            described = paths[f"/api/v1/{operation.path}"]["post"]
            assert described["x-n8n"]["resource"] == operation.resource
            assert operation.scope in described["description"]

    @pytest.mark.parametrize("host", ["localhost", "north.localhost"])
    def test_the_docs_load_nothing_from_elsewhere(self, north: Tenant, host: str) -> None:
        page = Client(headers={"host": host}).get("/api/docs/")

        assert page.status_code == 200
        assert "swagger" in page.content.decode()
        assert "//cdn" not in page.content.decode()

    def test_every_answer_carries_an_id(self, db: None) -> None:
        ids = {
            Client(headers={"host": "localhost"}).get("/healthz")["X-Request-ID"]
            for _try in range(2)
        }

        assert len(ids) == 2


def test_a_person_decides_by_a_script_as_the_page_says(
    north: Tenant, make_member: Callable[..., Member]
) -> None:
    """The steps of docs/approvals.md, with the checks that a browser meets."""
    member = make_member(north)
    with inside(north):
        make_workspace()
        approval = make_approval()
    script = Client(headers={"host": north.host}, enforce_csrf_checks=True)

    def token() -> dict[str, str]:
        return {"X-CSRFToken": script.cookies["pergola_csrf"].value}

    script.get("/accounts/login/")
    given = {"login": member.user.email, "password": "correct horse battery"}
    assert script.post("/accounts/login/", given, headers=token()).status_code == 302
    (waiting,) = script.get("/api/v1/approvals?status=pending").json()["results"]
    answer = {"decision": "approve", "comment": "By phone", "revision": waiting["revision"]}
    address = f"/api/v1/approvals/{approval.pk}/decision"
    assert script.post(address, answer, "application/json").status_code == 403
    done = script.post(address, answer, "application/json", headers=token())

    assert (done.status_code, done.json()["status"]) == (200, "approved")


def test_a_file_beside_an_approval_is_fetched(
    north: Tenant, south: Tenant, browser: Callable[..., Client], tmp_path: Path, settings: Any
) -> None:
    settings.FILES_ROOT = tmp_path
    with inside(north):
        make_workspace()
        approval = make_approval()
    ada = browser(north)
    files = f"/api/v1/approvals/{approval.pk}/attachments"
    sent = SimpleUploadedFile("<b>.txt", b"<script>1</script>", "text/plain")
    made = ada.post(files, {"file": sent}).json()

    got = ada.get(f"{files}/{made['id']}")

    assert b"".join(got.streaming_content) == b"<script>1</script>"  # type: ignore[attr-defined]
    assert got.headers["Content-Type"] == "application/octet-stream"
    assert got.headers["Content-Disposition"].startswith("attachment")
    assert ada.get(f"{files}/{uuid.uuid4()}").json()["code"] == "attachment_unknown"
    assert browser(south).get(f"{files}/{made['id']}").status_code == 404
    pat = make_person(north, "pat", partner=make_partner(north, "acme", {"automation"}))
    partner = Client(headers={"host": north.host})
    partner.force_login(User.objects.get(pk=pat.id), "django.contrib.auth.backends.ModelBackend")
    assert partner.get(f"{files}/{made['id']}").status_code == 403
