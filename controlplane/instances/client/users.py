"""Users of an instance. Only the owner's or an admin's key may do this."""

from dataclasses import dataclass
from urllib.parse import parse_qs, quote, urlsplit

from controlplane.instances.client.errors import InstanceRefused, NotFound
from controlplane.instances.client.transport import Json, Transport


@dataclass(frozen=True)
class User:
    id: str
    email: str
    is_pending: bool


class Users(Transport):
    """The part of the client that is about users."""

    def list_users(self) -> list[User]:
        return [_user(u) for u in self.pages("/users", doing="list users", params={})]

    def get_user(self, id_or_email: str) -> User:
        """Raises NotFound."""
        path = f"/users/{quote(id_or_email, safe='@')}"
        return _user(self.call("GET", path, doing=f"read user {id_or_email}"))

    def invite_user(self, email: str) -> str:
        """The token of an invitation as `global:member`; the same person may be invited again.

        Raises InstanceRefused for somebody who has accepted already.
        """
        doing = f"invite {email}"
        body = [{"email": email, "role": "global:member"}]
        answer = self.call("POST", "/users", doing=doing, body=body)
        url = answer[0]["user"].get("inviteAcceptUrl", "") if answer else ""
        token = parse_qs(urlsplit(url).query).get("token", [""])[0]
        if not token:
            raise InstanceRefused(
                base_url=self.base_url,
                doing=doing,
                upstream_status=200,
                message="it gave no invitation link",
                advice="The user exists already, or that n8n gives links by e-mail only.",
            )
        return token

    def delete_user(self, user_id: str) -> None:
        """With its workflows and credentials; done as well when it is already gone."""
        path = f"/users/{quote(user_id, safe='')}"
        try:
            self.call("DELETE", path, doing=f"delete user {user_id}")
        except NotFound:
            return


def _user(answer: Json) -> User:
    return User(
        id=answer["id"], email=answer["email"], is_pending=bool(answer.get("isPending", False))
    )
