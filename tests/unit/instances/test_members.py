"""Making a member, against a scripted n8n: what is asked, and what a rerun does not ask again."""

import json

import httpx
import pytest

from controlplane.instances import members
from controlplane.instances.client import N8nClient

BASE = "http://127.0.0.1:5678"
EMAIL = "hafen@members.pergola.invalid"


def data(body: object) -> httpx.Response:
    return httpx.Response(200, json={"data": body})


class N8nWithMembers:
    """Answers as n8n 2.41 does; `has_accepted` and `keys` are its state."""

    def __init__(self, *, is_known: bool = False, has_accepted: bool = False) -> None:
        self.is_known = is_known
        self.has_accepted = has_accepted
        self.password = "right"
        self.offered = ["workflow:create", "workflow:list", "user:list"]
        self.keys: list[dict[str, str]] = []
        self.bodies: dict[str, object] = {}
        self.called: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        call = f"{request.method} {request.url.path}"
        self.called.append(call)
        self.bodies[call] = json.loads(request.content) if request.content else None
        answers = {
            f"GET /api/v1/users/{EMAIL}": self.read_user,
            "POST /api/v1/users": self.invite,
            "POST /rest/invitations/accept": self.accept,
            "POST /rest/login": self.log_in,
            "GET /rest/api-keys/scopes": lambda: data(self.offered),
            "GET /rest/api-keys": lambda: data({"items": self.keys}),
            "POST /rest/api-keys": lambda: data({"rawApiKey": "key-of-hafen"}),
            "DELETE /rest/api-keys/k1": lambda: data({"success": True}),
            "GET /rest/projects/personal": lambda: data({"id": "p1"}),
        }
        return answers[call]()

    def read_user(self) -> httpx.Response:
        if not self.is_known:
            return httpx.Response(404, json={"message": "Could not find user"})
        user = {"id": "u1", "email": EMAIL, "isPending": not self.has_accepted}
        return httpx.Response(200, json=user)

    def invite(self) -> httpx.Response:
        self.is_known = True
        invited = {"user": {"id": "u1", "inviteAcceptUrl": f"{BASE}/signup?token=tok"}}
        return httpx.Response(201, json=[invited])

    def accept(self) -> httpx.Response:
        self.has_accepted = True
        return data({"id": "u1"})

    def log_in(self) -> httpx.Response:
        body = self.bodies["POST /rest/login"]
        if isinstance(body, dict) and body["password"] == self.password:
            return data({"id": "u1"})
        return httpx.Response(401, json={"message": "Wrong username or password."})

    def ensure(self, *, password: str = "right") -> members.Membership:
        transport = httpx.MockTransport(self)
        with N8nClient(BASE, "owner", transport=transport) as owner:
            return members.ensure_member(
                owner=owner,
                email=EMAIL,
                password=password,
                first_name="Hafen Supply " * 10,
                last_name="(Pergola)",
                session=lambda base: members.MemberSession(base, transport=transport),
            )


def test_a_new_member_is_invited_and_gets_a_key() -> None:
    n8n = N8nWithMembers()

    membership = n8n.ensure()

    assert membership == members.Membership(user_id="u1", api_key="key-of-hafen", project_id="p1")
    assert "POST /rest/login" not in n8n.called
    accepted = n8n.bodies["POST /rest/invitations/accept"]
    assert isinstance(accepted, dict)
    assert accepted["token"] == "tok"
    assert len(accepted["firstName"]) == 32


def test_a_member_s_key_cannot_list_the_other_members() -> None:
    n8n = N8nWithMembers()

    n8n.ensure()

    made = n8n.bodies["POST /rest/api-keys"]
    assert isinstance(made, dict)
    assert made["scopes"] == ["workflow:create", "workflow:list"]


def test_an_invitation_that_was_not_accepted_is_used() -> None:
    n8n = N8nWithMembers(is_known=True)

    assert n8n.ensure().user_id == "u1"
    assert n8n.has_accepted


def test_a_member_whose_key_was_lost_gets_another() -> None:
    n8n = N8nWithMembers(is_known=True, has_accepted=True)
    n8n.keys = [{"id": "k0", "label": "mine"}, {"id": "k1", "label": members.KEY_LABEL}]

    assert n8n.ensure().api_key == "key-of-hafen"
    assert "POST /api/v1/users" not in n8n.called
    assert [call for call in n8n.called if call.startswith("DELETE")] == [
        "DELETE /rest/api-keys/k1"
    ]


def test_a_member_with_a_strange_password_is_left_alone() -> None:
    n8n = N8nWithMembers(is_known=True, has_accepted=True)

    with pytest.raises(members.MemberUnusable, match=f"already has the user {EMAIL}") as raised:
        n8n.ensure(password="wrong")

    assert "wrong" not in raised.value.detail
    assert not [call for call in n8n.called if call.startswith("DELETE")]
