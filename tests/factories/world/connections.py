"""Connections of every protocol, to servers on the loopback, and how they are called."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from django.test import override_settings

from controlplane.connections.models import Connection
from controlplane.connections.services import create_connection
from controlplane.core.actor import system
from tests.factories.world import Part, Upload
from tests.fakes.outside import running_outside
from tests.fakes.sftp import running_sftp
from tests.fakes.smtp import running_smtp

SECRET = "quay-secret-0123"
_LOGIN = {"host": "quay.example", "username": "ada", "password": SECRET}
# Until there are servers, nobody answers.
_NOWHERE = {
    "rest_key": {"url": "https://quay.example", "key_name": "X-Quay", "api_key": SECRET},
    "sftp": _LOGIN,
    "smtp": {**_LOGIN, "sender": "quay@north.example"},
}
_values = dict(_NOWHERE)


@contextmanager
def servers() -> Iterator[None]:
    """While the world lasts: what its connections lead to."""
    with (
        TemporaryDirectory() as folder,
        running_outside() as web,
        running_sftp(Path(folder)) as files,
        running_smtp() as post,
        override_settings(CONNECTION_PRIVATE_HOSTS=["127.0.0.1"]),
    ):
        files.users["ada"] = post.users["ada"] = SECRET
        here = {"host": "127.0.0.1"}
        fingerprint = {"port": str(files.port), "host_key": files.fingerprint}
        _values["rest_key"] = {**_NOWHERE["rest_key"], "url": web.url}
        _values["sftp"] = {**_LOGIN, **here, **fingerprint}
        _values["smtp"] = {
            **_NOWHERE["smtp"], **here, "port": str(post.port), "security": "none",
        }  # fmt: skip
        try:
            yield
        finally:
            _values.update(_NOWHERE)


def part(url: str) -> Part:
    made = {kind: _made(kind, values) for kind, values in _values.items()}
    web = made["rest_key"]
    return Part(
        rows={
            "connection": web.pk, "connection_id": web.pk, "drop": made["sftp"].pk,
            "mailer": made["smtp"].pk, "connection_kind": "rest",
            "choice_list": "connections",
        },
        bodies={
            "connections/new/<slug:kind>/": {
                "name": "Quay new", "url": "https://quay.example", "allowed_methods": "GET",
            },
            "connections/<uuid:connection_id>/edit/": {
                "name": "Quay changed", "url": web.base_url, "key_name": "X-Quay",
                "place": "header", "allowed_methods": "GET",
            },
            "api/v1/connections": {
                "name": "Quay api", "kind": "rest", "values": {"url": "https://quay.example"},
            },
            "api/v1/connections/<uuid:connection_id>": {
                "name": "Quay put", "values": {"url": web.base_url, "key_name": "X-Quay"},
            },
            "connections/<uuid:connection_id>/remove/": {"sure": "yes"},
        },
        inputs={
            "connection.request": {"path": "/quay"},
            "connection.put_file": {"connection": "{drop}", "name": "a.csv", "content": "a"},
            "connection.upload_file": {"connection": "{drop}"},
            "connection.list_files": {"connection": "{drop}"},
            "connection.send_mail": {
                "connection": "{mailer}", "to": "a@b.example", "subject": "A", "text": "B",
            },
        },
        documents={"connection.upload_file": Upload("file", "b.csv", b"b", "text/csv")},
        aliases={("connections", "kind"): "connection_kind", ("api", "name"): "choice_list"},
        secrets={SECRET, "Quay rest_key"},
    )  # fmt: skip


def _made(kind: str, values: dict[str, str]) -> Connection:
    return create_connection(name=f"Quay {kind}", kind=kind, values=values, by=system("tests"))
