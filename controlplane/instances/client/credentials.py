"""Credentials of an instance. n8n gives their secrets back to nobody, so neither does this."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from controlplane.instances.client.errors import NotFound
from controlplane.instances.client.transport import Json, Transport


@dataclass(frozen=True)
class Credential:
    id: str
    name: str
    type: str


@dataclass(frozen=True)
class ListedCredential:
    """As the owner sees it; `projects` are the ids of those that may use it."""

    id: str
    projects: frozenset[str]


class Credentials(Transport):
    """The part of the client that is about credentials.

    n8n lets only its owner list them: whoever makes one must keep its id.
    """

    project_id: str = ""

    def create_credential(self, *, name: str, type: str, data: Mapping[str, Any]) -> Credential:
        """`name` has 3 to 128 characters; `data` as `credential_schema(type)` wants it."""
        body: Json = {"name": name, "type": type, "data": dict(data)}
        if self.project_id:
            body["projectId"] = self.project_id
        return _credential(
            self.call("POST", "/credentials", doing=f"create credential {name}", body=body)
        )

    def update_credential(
        self, credential_id: str, *, name: str = "", data: Mapping[str, Any] | None = None
    ) -> Credential:
        """Change the name, or the given keys of its data; the other keys stay. Raises NotFound."""
        body: Json = {}
        if name:
            body["name"] = name
        if data is not None:
            body |= {"data": dict(data), "isPartialData": True}
        path = f"/credentials/{quote(credential_id, safe='')}"
        doing = f"update credential {credential_id}"
        return _credential(self.call("PATCH", path, doing=doing, body=body))

    def delete_credential(self, credential_id: str) -> None:
        """Done as well when it is already gone."""
        path = f"/credentials/{quote(credential_id, safe='')}"
        try:
            self.call("DELETE", path, doing=f"delete credential {credential_id}")
        except NotFound:
            return

    def list_credentials(self) -> list[ListedCredential]:
        """All of the instance, without what is in them. Raises AccessDenied but for its owner."""
        return [
            ListedCredential(
                str(answer["id"]), frozenset(str(p["id"]) for p in answer.get("shared") or ())
            )
            for answer in self.pages("/credentials", doing="list credentials", params={})
        ]

    def credential_schema(self, type: str) -> Json:
        """The JSON Schema of a credential type. Raises NotFound: its nodes are not installed."""
        path = f"/credentials/schema/{quote(type, safe='')}"
        schema: Json = self.call("GET", path, doing=f"read the schema of credential {type}")
        return schema


def _credential(answer: Json) -> Credential:
    return Credential(id=str(answer["id"]), name=answer["name"], type=answer["type"])
