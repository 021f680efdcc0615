"""A tenant's own member on an n8n that Pergola started: the only use of n8n's internal routes.

Inviting is public API; accepting an invitation, making an API key and reading one's personal
project are not (n8n 2.41). A member sees only what is in its own project, without any licence.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import httpx

from controlplane.core.http import authorities
from controlplane.instances.client import N8nClient
from controlplane.instances.client.errors import (
    InstanceError,
    InstanceUnreachable,
    KeyRejected,
    NotFound,
)
from controlplane.instances.client.transport import TIMEOUT, refusal

KEY_LABEL = "Pergola"
# What Pergola does in a tenant's name. A member may also be given `user:list`, which would show it
# the addresses of all other tenants' members.
SCOPES = frozenset(
    {
        "credential:create",
        "credential:delete",
        "credential:update",
        "execution:delete",
        "execution:list",
        "execution:read",
        "execution:retry",
        "execution:stop",
        "tag:create",
        "tag:list",
        "tag:read",
        "workflow:activate",
        "workflow:create",
        "workflow:deactivate",
        "workflow:delete",
        "workflow:list",
        "workflow:read",
        "workflow:update",
        "workflowTags:list",
        "workflowTags:update",
    }
)


@dataclass(frozen=True)
class Membership:
    """What a member needs to be used: who it is in n8n, its key, where its things are."""

    user_id: str
    api_key: str
    project_id: str


class MemberUnusable(InstanceError):
    """The member exists in n8n, with a password that Pergola does not know."""

    code = "instance_member_unusable"
    title = "The n8n member cannot be used"


class MemberSession:
    """One person's session on the internal REST of an n8n, as its editor has it."""

    def __init__(self, base_url: str, *, transport: httpx.BaseTransport | None = None) -> None:
        self.base_url = base_url.rstrip("/")
        self._http = httpx.Client(
            timeout=TIMEOUT,
            # The session is tied to this header: it must be the same at log-in and after.
            headers={"browser-id": "pergola"},
            follow_redirects=False,
            trust_env=False,
            verify=authorities(),
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._http.close()

    def accept_invitation(
        self, token: str, *, first_name: str, last_name: str, password: str
    ) -> None:
        """Sets the name and the password, and logs in."""
        body = {
            "token": token,
            "firstName": first_name[:32],
            "lastName": last_name[:32],
            "password": password,
        }
        self._call("POST", "/invitations/accept", doing="accept the invitation", body=body)

    def log_in(self, email: str, password: str) -> None:
        """Raises KeyRejected for a wrong password. n8n allows five a minute."""
        body = {"emailOrLdapLoginId": email, "password": password}
        self._call("POST", "/login", doing=f"log in as {email}", body=body)

    def create_api_key(self, *, scopes: frozenset[str] = SCOPES) -> str:
        """A key of at most these scopes. An older one of the same label goes away."""
        doing = "make an API key"
        offered = self._call("GET", "/api-keys/scopes", doing=doing)
        for key in self._call("GET", "/api-keys", doing=doing)["items"]:
            if key["label"] == KEY_LABEL:
                self._call("DELETE", f"/api-keys/{key['id']}", doing="replace the API key")
        body = {"label": KEY_LABEL, "scopes": sorted(scopes & set(offered)), "expiresAt": None}
        return str(self._call("POST", "/api-keys", doing=doing, body=body)["rawApiKey"])

    def personal_project_id(self) -> str:
        return str(self._call("GET", "/projects/personal", doing="find the project")["id"])

    def _call(self, method: str, path: str, *, doing: str, body: Any = None) -> Any:
        try:
            response = self._http.request(method, f"{self.base_url}/rest{path}", json=body)
        except httpx.HTTPError as error:
            raise InstanceUnreachable(
                base_url=self.base_url,
                doing=doing,
                reason=str(error) or type(error).__name__,
                sent=not isinstance(error, httpx.ConnectError | httpx.ConnectTimeout),
            ) from error
        if not response.is_success:
            raise refusal(response, base_url=self.base_url, doing=doing)
        return response.json()["data"]


def ensure_member(
    *,
    owner: N8nClient,
    email: str,
    password: str,
    first_name: str,
    last_name: str,
    session: Callable[[str], MemberSession] = MemberSession,
) -> Membership:
    """Invite, accept and make a key; whatever was done before is not done again.

    The password must be stored before this is called, else a crash in between loses the member.
    Raises MemberUnusable, InstanceError.
    """
    try:
        is_new = owner.get_user(email).is_pending
    except NotFound:
        is_new = True
    with session(owner.base_url) as member:
        if is_new:
            token = owner.invite_user(email)
            member.accept_invitation(
                token, first_name=first_name, last_name=last_name, password=password
            )
        else:
            _log_in(member, email=email, password=password)
        return Membership(
            user_id=owner.get_user(email).id,
            api_key=member.create_api_key(),
            project_id=member.personal_project_id(),
        )


def _log_in(member: MemberSession, *, email: str, password: str) -> None:
    try:
        member.log_in(email, password)
    except KeyRejected as error:
        raise MemberUnusable(
            f"n8n at {member.base_url} already has the user {email}, with a password that Pergola "
            "does not know. Delete that user there (its workflows go with it), then try again."
        ) from error
