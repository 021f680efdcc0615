"""Approvals by several people in the portal: votes, standing in, the thread, mailed links."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from controlplane.approvals.delegations import delegate
from controlplane.approvals.links import new_link
from controlplane.approvals.models import Approval, Comment, Vote
from tenants.context import inside
from tenants.members import people_of
from tenants.models import Member, Tenant
from tests.factories.approvals import make_approval
from tests.factories.approvers import make_route
from tests.factories.events import make_workspace

Browser = Callable[..., Client]
MakeMember = Callable[..., Member]


@pytest.fixture
def approval(north: Tenant) -> Approval:
    with inside(north):
        make_workspace()
        make_route(steps=[{"name": "Two of us", "quorum": 2}])
        return make_approval()


def page_of(client: Client, approval: Approval) -> str:
    return client.get(f"/approvals/{approval.pk}/").content.decode()


def vote(client: Client, approval: Approval, **form: str) -> Any:
    return client.post(
        f"/approvals/{approval.pk}/decision/", {"decision": "approve", **form}, follow=True
    )


def test_votes_are_drawn_against_the_quorum(
    north: Tenant, browser: Browser, approval: Approval
) -> None:
    ada, ben = browser(north), browser(north, name="ben")
    page = page_of(ada, approval)
    assert "Two of us" in page
    assert "0 of 2" in page
    assert "ada-north, ben-north" in page

    after = vote(ada, approval).content.decode()

    assert "One more has to agree" in after
    assert "1 of 2" in after
    assert '<rect class="bar-fill" width="50"' in after
    assert "You have voted. It waits for others now." in after
    assert 'data-testid="approve"' not in after
    assert vote(ada, approval, decision="reject").status_code == 403
    assert "Approved" in vote(ben, approval).content.decode()
    with inside(north):
        assert Approval.objects.get().decided_by == "ada-north, ben-north"


def test_a_quorum_that_cannot_come_about_is_said(
    north: Tenant, browser: Browser, approval: Approval
) -> None:
    assert 'data-testid="short"' in page_of(browser(north), approval)


def test_the_inbox_knows_what_is_mine_and_what_has_ended(
    north: Tenant, browser: Browser, approval: Approval
) -> None:
    ada, ben = browser(north), browser(north, name="ben")

    def shown(client: Client, status: str) -> bool:
        return "Order #1001" in client.get(f"/approvals/?status={status}").content.decode()

    assert [shown(ada, tab) for tab in ("mine", "pending", "ended", "all")] == [
        True, True, False, True,
    ]  # fmt: skip
    vote(ada, approval)
    assert not shown(ada, "mine")
    assert shown(ben, "mine")
    vote(ben, approval)
    assert [shown(ben, tab) for tab in ("mine", "pending", "ended")] == [False, False, True]


def test_a_list_of_mine_asks_a_fixed_number_of_questions(
    north: Tenant, browser: Browser, approval: Approval, django_assert_max_num_queries: Any
) -> None:
    client = browser(north)
    client.get("/approvals/?status=mine")
    with inside(north):
        for number in range(2, 12):
            Approval.objects.create(
                subject_type="contract", subject_id=approval.pk, revision=str(number),
                title=f"Contract {number}", expires_at=timezone.now() + timedelta(hours=1),
            )  # fmt: skip

    with django_assert_max_num_queries(45):
        page = client.get("/approvals/?status=mine").content.decode()
    assert page.count('data-testid="approval"') == 11


def test_standing_in_is_offered_and_shown(
    north: Tenant, browser: Browser, make_member: MakeMember, approval: Approval
) -> None:
    ben = browser(north, name="ben")
    ada = make_member(north)
    with inside(north):
        people = people_of(north)
        by_name = {person.name: person for person in people.values()}
        delegate(
            to=by_name["ben-north"].id, starts_at=timezone.now() - timedelta(hours=1),
            ends_at=timezone.now() + timedelta(hours=1), by=by_name["ada-north"].actor,
        )  # fmt: skip

    page = page_of(ben, approval)
    assert "for ada-north" in page
    assert "for myself" in page
    after = vote(ben, approval, on_behalf_of=str(ada.user_id)).content.decode()

    assert "ben-north for ada-north" in after
    assert "your own vote does not count besides" in after
    with inside(north):
        assert Vote.objects.get().principal_id == str(ada.user_id)


def test_one_lets_another_stand_in_by_a_form(
    north: Tenant, browser: Browser, make_member: MakeMember
) -> None:
    ada, ben = browser(north), make_member(north, name="ben")
    vic = make_member(north, "viewer", "vic")
    today = timezone.localdate()

    def send(**form: str) -> Any:
        given = {"to": str(ben.user_id), "starts_on": f"{today}", "ends_on": f"{today}"}
        return ada.post("/approvals/delegations/new/", {**given, **form})

    assert ada.get("/approvals/delegations/new/").status_code == 200
    wrong = send(to=str(vic.user_id), reason="<b>Holiday</b>")
    assert wrong.status_code == 422
    assert "is no approver here" in wrong.content.decode()
    assert "&lt;b&gt;Holiday" in wrong.content.decode()
    assert send(ends_on="2020-01-01").status_code == 422
    assert send(reason="Holiday").status_code == 302
    page = ada.get("/approvals/delegations/").content.decode()
    assert "ben-north" in page
    assert "In force" in page
    stranger = browser(north, name="cid")
    assert "ben-north" not in stranger.get("/approvals/delegations/").content.decode()
    (end,) = re.findall(r'action="(/approvals/delegations/[^"]+/end/)"', page)
    assert stranger.post(end).status_code == 404
    assert ada.post(end).status_code == 302
    assert "Over" in ada.get("/approvals/delegations/").content.decode()


def test_comments_and_files_stand_beside_it(
    north: Tenant, browser: Browser, approval: Approval
) -> None:
    client = browser(north)
    where = f"/approvals/{approval.pk}"

    assert client.post(f"{where}/comments/", {"text": "Call <them>"}).status_code == 302
    assert client.post(f"{where}/comments/", {"text": " "}).status_code == 422
    file = SimpleUploadedFile("q1.pdf", b"%PDF-1.7 x", "text/html")
    assert client.post(f"{where}/files/", {"file": file}).status_code == 302
    odd = client.post(f"{where}/files/", {"file": SimpleUploadedFile("a.svg", b"<svg>")})
    assert odd.status_code == 422
    assert "are taken" in odd.content.decode()

    page = page_of(client, approval)
    assert "Call &lt;them&gt;" in page
    (link,) = re.findall(r'href="(/approvals/[^"]+/files/[^"]+/)"', page)
    saved = client.get(link)
    assert saved.getvalue() == b"%PDF-1.7 x"
    assert saved.headers["Content-Disposition"] == 'attachment; filename="q1.pdf"'
    assert saved.headers["Content-Type"] == "application/octet-stream"
    assert client.get(f"{where}/comments/").status_code == 302


def test_a_mailed_link_asks_before_it_decides(
    north: Tenant, make_member: MakeMember, approval: Approval
) -> None:
    ada = make_member(north)
    with inside(north):
        link = new_link(approval, member_id=str(ada.user_id))
    path = re.sub(r"^https?://[^/]+", "", link)
    nobody = Client(headers={"host": north.host}, enforce_csrf_checks=True)

    for _scanner in range(3):
        shown = nobody.get(path)
    assert shown.status_code == 200
    assert "You answer as ada-north" in shown.content.decode()
    assert shown.headers["Referrer-Policy"] == "same-origin"
    assert "no-store" in shown.headers["Cache-Control"]
    assert nobody.head(path).status_code == 200
    assert nobody.post(path, {"decision": "approve"}).status_code == 403, "no page asked"
    with inside(north):
        assert not Vote.objects.exists()

    token = next(cookie.value for name, cookie in nobody.cookies.items() if "csrf" in name)
    form = {"decision": "approve", "comment": "by mail", "csrfmiddlewaretoken": token}
    empty = nobody.post(path, {**form, "decision": ""})
    assert empty.status_code == 422
    assert "by mail" in empty.content.decode()
    taken = nobody.post(path, form)
    assert taken.status_code == 200
    assert "It waits for others now" in taken.content.decode()
    for replay in (nobody.post(path, form), nobody.get(path)):
        assert replay.status_code == 410
        assert "works once" in replay.content.decode()
    with inside(north):
        assert Vote.objects.get().member_label == "ada-north"
    assert nobody.get(f"{path[:-4]}x/").status_code == 410


def test_managers_keep_routes_and_groups(
    north: Tenant, browser: Browser, make_member: MakeMember
) -> None:
    mia = browser(north, role="manager", name="mia")
    ada = make_member(north)
    made = mia.post(
        "/approvals/groups/new/", {"name": "Council", "slug": "council", "members": ada.user_id}
    )
    assert made.status_code == 302
    form = {
        "name": "Dear orders", "subject_type": "order", "currency": "eur",
        "amount_from": "1000", "order": "ladder", "rejections": "1", "on_expiry": "rejected",
        "remind_hours": "2", "is_active": "on", "reasons": "over_limit, odd_address",
        "step-0-quorum": "1", "step-0-groups": "council", "step-0-hours": "8",
        "step-1-quorum": "2", "step-1-organisations": "2", "step-1-roles": "manager",
    }  # fmt: skip
    assert mia.post("/approvals/routes/new/", form).status_code == 302
    page = mia.get("/approvals/routes/").content.decode()
    assert "Dear orders" in page
    assert "over_limit, odd_address" in page
    (where,) = re.findall(r'href="(/approvals/routes/[0-9a-f-]{36}/)"', page)
    edit = mia.get(where).content.decode()
    assert 'value="council"' in edit
    assert "checked" in edit

    for fault, said in (
        ({"step-1-organisations": "3"}, "organisations"),
        ({"step-0-hours": ""}, "needs hours"),
        ({"amount_below": "10"}, "lower bound"),
        ({"currency": ""}, "needs its currency"),
        ({"name": ""}, "required"),
    ):
        wrong = mia.post(where, form | fault)
        assert wrong.status_code == 422, fault
        assert said in wrong.content.decode(), fault
        assert "over_limit" in wrong.content.decode()
    assert mia.post(where, form | {"rejections": "2"}).status_code == 302

    groups = mia.get("/approvals/groups/").content.decode()
    (group,) = re.findall(r'href="(/approvals/groups/[0-9a-f-]{36}/)"', groups)
    assert "is asked by Dear orders" in mia.post(f"{group}delete/", follow=True).content.decode()
    assert mia.post(f"{where}delete/").status_code == 302
    assert mia.post(f"{group}delete/").status_code == 302
    assert "There are no routes yet" in mia.get("/approvals/routes/").content.decode()


@pytest.mark.parametrize("path", ["routes/", "routes/new/", "groups/", "groups/new/"])
def test_only_managers_change_the_rules(north: Tenant, browser: Browser, path: str) -> None:
    assert browser(north).get(f"/approvals/{path}").status_code == 403


def test_the_api_takes_votes_comments_and_files(
    north: Tenant, browser: Browser, approval: Approval
) -> None:
    ada, ben = browser(north), browser(north, name="ben")
    where = f"/api/v1/approvals/{approval.pk}"

    first = ada.post(f"{where}/decision", {"decision": "approve"}, "application/json")
    assert first.json()["status"] == "pending"
    assert [(v["member_label"], v["decision"]) for v in first.json()["votes"]] == [
        ("ada-north", "approve")
    ]
    said = ada.post(f"{where}/comments", {"text": "Fine."}, "application/json")
    assert said.status_code == 201
    assert [each["text"] for each in ada.get(f"{where}/comments").json()] == ["Fine."]
    wrong = ada.post(f"{where}/comments", {"text": ""}, "application/json")
    assert wrong.status_code == 422
    other = ada.post(f"{where}/decision", {"decision": "reject"}, "application/json")
    assert (other.status_code, other.json()["code"]) == (409, "already_voted")
    assert ben.post(
        f"{where}/decision", {"decision": "approve"}, "application/json"
    ).json()["status"] == "approved"  # fmt: skip
    with inside(north):
        assert Comment.objects.count() == 1


def test_members_read_it_in_german(
    north: Tenant, browser: Browser, make_member: MakeMember, approval: Approval
) -> None:
    ada = make_member(north, "manager")
    Member.objects.filter(pk=ada.pk).update(language="de")
    client = browser(north, member=ada)

    page = page_of(client, approval)
    assert "Wer entscheidet" in page
    assert "0 von 2" in page
    assert "Wird geprüft als Nummer" in client.get("/approvals/routes/").content.decode()
    assert "abgelaufen" in client.get("/approvals/routes/").content.decode()
    assert "Vertretung" in client.get("/approvals/delegations/").content.decode()
