"""The audit trail in the portal: found, looked into, verified and taken along."""

import io
import re
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from controlplane.audit import verifying
from controlplane.audit.checkpoints import make_checkpoint
from controlplane.audit.models import Entry
from controlplane.audit.services import record, verify_chain
from tenants.context import inside
from tenants.models import Member, Tenant
from tests.factories.events import ADA

Browser = Callable[..., Client]


@pytest.fixture
def manager(north: Tenant, browser: Browser) -> Client:
    return browser(north, role=Member.Role.MANAGER)


def write(action: str = "order.seen", subject: str = "1", **data: Any) -> Entry:
    return record(
        action=action, subject_type=action.partition(".")[0], subject_id=subject, data=data, by=ADA
    )


def actions(page: Any) -> list[str]:
    return re.findall(r'id="entry-\d+"[^>]*>([^<]+)<', page.content.decode())


def test_only_who_may_read_it_sees_it(north: Tenant, browser: Browser, manager: Client) -> None:
    with inside(north):
        entry = write()
    place = f"/audit/{entry.sequence}-{entry.mark}/"
    for role in (Member.Role.VIEWER, Member.Role.APPROVER):
        other = browser(north, role=role, name=role)
        assert "/audit/" not in other.get("/orders/").content.decode()
        assert {other.get(p).status_code for p in ("/audit/", place, "/audit/verification/")} == {
            403
        }
        assert other.post("/audit/export/").status_code == 403
    assert "/audit/" in manager.get("/orders/").content.decode()
    assert manager.get(place).status_code == 200


def test_entries_are_searched_sorted_and_narrowed(north: Tenant, manager: Client) -> None:
    with inside(north):
        write("order.seen", "1")
        write("order.shipped", "2")
        write("letter.sent", "3")

    assert actions(manager.get("/audit/"))[:3] == ["letter.sent", "order.shipped", "order.seen"]
    assert actions(manager.get("/audit/?q=ship")) == ["order.shipped"]
    assert actions(manager.get("/audit/?action=order&sort=at")) == ["order.seen", "order.shipped"]
    assert actions(manager.get("/audit/?action=order.seen")) == ["order.seen"]
    assert actions(manager.get("/audit/?subject=letter&subject_id=3")) == ["letter.sent"]
    assert actions(manager.get("/audit/?subject=letter&status=machine")) == []
    assert actions(manager.get("/audit/?subject=letter&since=2000-01-01&until=2000-01-02")) == []
    assert actions(manager.get("/audit/?subject=letter&since=2000-01-01")) == ["letter.sent"]


@pytest.mark.parametrize("day", ["2026-13-01", "tomorrow", "9999-12-31", "0001-01-01", "\0"])
def test_a_day_that_is_none_is_said_beside_the_field(manager: Client, day: str) -> None:
    page = manager.get("/audit/", {"since": day})

    assert page.status_code == 200
    assert ("This is no day." in page.content.decode()) == (not day[:4].isdigit() or "13" in day)


def test_a_list_has_pages_and_costs_the_same(
    north: Tenant, manager: Client, django_assert_max_num_queries: Any
) -> None:
    with inside(north):
        for number in range(45):
            write("order.seen", str(number))
    manager.get("/audit/")

    with django_assert_max_num_queries(16):
        page = manager.get("/audit/?action=order.seen&page=2")
    assert len(actions(page)) == 20
    assert "Page 2 of 3" in page.content.decode()


def test_an_entry_shows_what_changed_and_the_subjects_history(
    north: Tenant, manager: Client
) -> None:
    with inside(north):
        write("letter.sent", "7")
        entry = write("letter.changed", "7", before={"text": "Hello"}, after={"text": "<Bye>"})
        make_checkpoint()

    page = manager.get(f"/audit/{entry.sequence}-{entry.mark}/").content.decode()

    assert "<del>Hello</del>" in page
    assert "&lt;Bye&gt;" in page
    assert "letter.sent" in page
    assert "in checkpoint" in page


@pytest.mark.parametrize("mark", ["0" * 12, "a"])
def test_an_address_of_another_entry_is_not_found(
    north: Tenant, manager: Client, mark: str
) -> None:
    with inside(north):
        entry = write()

    assert manager.get(f"/audit/{entry.sequence}-{mark}/").status_code == 404


def test_an_entry_that_a_workflow_named_freely_has_no_link(north: Tenant, manager: Client) -> None:
    with inside(north):
        entry = write("order.seen", "not-a-uuid")

    assert manager.get(f"/audit/{entry.sequence}-{entry.mark}/").status_code == 200


def test_a_verification_shows_how_far_it_is_and_what_came_of_it(
    north: Tenant, manager: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(verifying, "enqueue_on_commit", lambda name, **given: sent.append(given))
    with inside(north):
        write()
        verifying.cache.delete(verifying.KEY)

    started = manager.post("/audit/verification/", headers={"hx-request": "true"})
    again = manager.post("/audit/verification/", headers={"hx-request": "true"})

    assert len(sent) == 1
    for page in (started, again):
        assert "<progress" in page.content.decode()
        assert 'hx-trigger="every 1s"' in page.content.decode()
    with inside(north):
        verifying.run_verification(by=ADA)
        assert Entry.objects.filter(action="audit.verified").exists()
        assert verify_chain().broken_at is None
    ended = manager.get("/audit/verification/", headers={"hx-request": "true"}).content.decode()
    assert "The chain holds" in ended
    assert "hx-trigger" not in ended


def test_the_export_verifies_and_leaves_an_entry(north: Tenant, manager: Client) -> None:
    with inside(north):
        write()

    answer = manager.post("/audit/export/")

    assert answer.headers["Content-Disposition"].startswith('attachment; filename="audit-north-')
    with zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content))) as archive:  # type: ignore[attr-defined]
        assert set(archive.namelist()) == {
            "entries.jsonl", "checkpoints.jsonl", "manifest.json", "public_key.txt",
            "verify_audit.py", "README.txt",
        }  # fmt: skip
    with inside(north):
        assert Entry.objects.filter(action="audit.exported").exists()


def test_the_api_gives_pages_by_number(
    north: Tenant, manager: Client, browser: Browser, machine: Callable[..., Client]
) -> None:
    with inside(north):
        for number in range(5):
            write("letter.sent", str(number))
    key = machine(north)

    first = key.get("/api/v1/audit?action=letter&limit=2").json()
    second = key.get(f"/api/v1/audit?action=letter&limit=2&after={first['next_after']}").json()

    assert [e["subject_id"] for e in first["entries"] + second["entries"]] == ["0", "1", "2", "3"]
    assert manager.get("/api/v1/audit?action=letter").json()["next_after"] is None
    assert browser(north, name="bob").get("/api/v1/audit").status_code == 403
    assert machine(north, scopes=["audit:record"]).get("/api/v1/audit").status_code == 403
    wrong = key.get("/api/v1/audit?limit=0")
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "limit")
    assert key.get("/api/v1/audit?since=never").status_code == 422


def test_a_workflow_lists_and_verifies(north: Tenant, machine: Callable[..., Client]) -> None:
    with inside(north):
        write("letter.sent", "1")
    key = machine(north)

    listed = key.post(
        "/api/v1/operations/audit/list", {"action": "letter"}, content_type="application/json"
    )
    verified = key.post("/api/v1/operations/audit/verify", {}, content_type="application/json")

    assert [e["action"] for e in listed.json()["entries"]] == ["letter.sent"]
    assert verified.json()["holds"] is True
