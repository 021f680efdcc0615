"""North with a row of every kind: what the matrix tries to reach, and whether it was touched."""

import hashlib
import json
import re
import uuid
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from controlplane.nodes.operation import Operation
from controlplane.nodes.registry import all_operations
from tenants.context import inside
from tenants.models import Tenant
from tests.factories.world import Part
from tests.fakes.n8n import FakeN8n
from tests.integration.isolation.doors import Address

# Shared tables in which an attempt is noted at the tenant that it was made at.
NOTES = {"tenants_securityevent"}
# When a key was used last, from where, and when a tenant was active: noted of everybody who calls.
OF_USE = ["last_used_at", "last_used_network", "last_active_at"]
# Of a UUID, all but its first eight letters: what begins with a dash is found at once.
_KEY_END = re.compile(r"-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
TELL = "a module of tests/factories/world says so"


@dataclass
class World:
    tenant: Tenant
    parts: list[Part]
    n8n: FakeN8n

    def __post_init__(self) -> None:
        self.rows = {
            "tenant": self.tenant.slug, "tenant_id": self.tenant.pk, **self._all("rows"),
            # What only addresses that enter no tenant name.
            "uidb36": "1", "provider_id": uuid.uuid4(), "session_id": 1, "pk": 1,
            "rest": "1/nothing",
        }  # fmt: skip
        self.bodies, self.uploads, self.raw = (
            self._all(kind) for kind in ("bodies", "uploads", "raw")
        )
        self.inputs, self.aliases = self._all("inputs"), self._all("aliases")
        self.documents = self._all("documents")
        self.references, self.tasks = self._all("references"), self._all("tasks")
        self.before = self.state()

    def _all(self, kind: str) -> dict[Any, Any]:
        return {key: value for part in self.parts for key, value in getattr(part, kind).items()}

    @cached_property
    def keys(self) -> set[str]:
        return {str(value) for value in self.rows.values() if isinstance(value, uuid.UUID)}

    @cached_property
    def texts(self) -> set[str]:
        return set().union(*(part.secrets for part in self.parts))

    @property
    def secrets(self) -> set[str]:
        """What nobody else may ever see: the key of every row, and the texts that are named."""
        return self.keys | self.texts

    def told_in(self, shown: str, *, given: str = "") -> list[str]:
        """`given` is what was asked with: an answer may repeat it."""
        named = {shown[end.start() - 8 : end.end()] for end in _KEY_END.finditer(shown)}
        found = (self.keys & named) | {text for text in self.texts if text in shown}
        return [f"it tells {name}" for name in sorted(found) if name not in given]

    def path(self, address: Address) -> str:
        def fill(found: re.Match[str]) -> str:
            name = found["name"]
            key = self.aliases.get((address.route.partition("/")[0], name), name)
            if key not in self.rows:
                pytest.fail(f"tell the matrix what <{name}> of {address} is: {TELL} in `rows`")
            return str(self.rows[key])

        # A library's route may be an expression: (?P<key>[^/]+).
        plain = re.sub(r"\(\?P(<\w+>)[^)]*\)|[\^$]", r"\1", address.route)
        return "/" + re.sub(r"<(?:\w+:)?(?P<name>\w+)>", fill, plain)

    def body(self, address: Address) -> dict[str, Any]:
        for operation in all_operations():
            if address.route.endswith(operation.path):
                return self.input_of(operation)
        return self._filled(self.bodies.get(address.route, {}))

    def given(self, address: Address) -> str:
        return self.path(address) + json.dumps(self.body(address))

    def input_of(self, operation: Operation) -> dict[str, Any]:
        said = self._filled(self.inputs.get(operation.key, {}))
        for name, field in operation.input_model.model_fields.items():
            if name in said or not (field.is_required() or field.annotation is uuid.UUID):
                continue
            if name not in self.rows:
                pytest.fail(f"tell the matrix what {operation.key} is given as {name}: {TELL}")
            said[name] = str(self.rows[name])
        return said

    def sent(self, operation: Operation, body: dict[str, Any]) -> tuple[bytes | str, str]:
        """The body of a call and its content type; a document comes with it in a form."""
        if not operation.takes_file:
            return json.dumps(body), "application/json"
        if operation.key not in self.documents:
            pytest.fail(f"tell the matrix what {operation.key} is handed: {TELL} in `documents`")
        upload = self.documents[operation.key]
        file = SimpleUploadedFile(upload.filename, upload.content, upload.content_type)
        form = {"input": json.dumps(body), upload.field: file}
        return encode_multipart(BOUNDARY, form), MULTIPART_CONTENT

    def row(self, kind: str, name: str, told: dict[str, str]) -> Any:
        """The row that `told` (references, tasks) names for one handler or argument."""
        if told.get(name, name) not in self.rows:
            pytest.fail(f"tell the matrix which row {kind} {name} is given: {TELL}")
        return self.rows[told.get(name, name)]

    def _filled(self, body: dict[str, Any]) -> dict[str, Any]:
        """With the rows that it names in braces."""

        def fill(value: Any) -> Any:
            if isinstance(value, dict):
                return {name: fill(inner) for name, inner in value.items()}
            if isinstance(value, str) and value[:1] == "{" and value[1:-1] in self.rows:
                return str(self.rows[value[1:-1]])
            return value

        return {name: fill(value) for name, value in body.items()}

    def call(self, client: Client, method: str, address: Address) -> HttpResponse:
        path, body = self.path(address), self.body(address)
        for operation in all_operations():
            if operation.takes_file and address.route.endswith(operation.path):
                return client.generic(method, path, *self.sent(operation, body))
        if upload := self.uploads.get(address.route):
            file = SimpleUploadedFile(upload.filename, upload.content, upload.content_type)
            form = encode_multipart(BOUNDARY, {**body, upload.field: file})
            return client.generic(method, path, form, MULTIPART_CONTENT)
        if raw := self.raw.get(address.route):
            return client.generic(method, path, *raw)
        if address.route.startswith(("api/", "in/")):
            return client.generic(method, path, json.dumps(body), "application/json")
        return client.generic(method, path, urlencode(body), "application/x-www-form-urlencoded")

    def state(self) -> str:
        """A fingerprint of every row in the tenant's schema, and of the shared ones about it."""
        return f"{self._own_state()} {self._shared_state()}"

    @property
    def has_changed(self) -> bool:
        return self.state() != self.before

    def _own_state(self) -> str:
        with inside(self.tenant), connection.cursor() as cursor:
            return _fingerprint(cursor, self._own_tables)

    def _shared_state(self) -> str:
        connection.set_schema_to_public()
        with connection.cursor() as cursor:
            return _fingerprint(cursor, self._shared_tables)

    @cached_property
    def _own_tables(self) -> dict[str, str]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY 1",
                [self.tenant.schema_name],
            )
            # That somebody looked is no change, though the trail says so.
            looked = {"audit_entry": "action <> 'payload.opened'"}
            return {
                f"{self.tenant.schema_name}.{name}": looked.get(name, "true")
                for (name,) in cursor.fetchall()
            }

    @cached_property
    def _shared_tables(self) -> dict[str, str]:
        """Rows whose `tenant_id` or `schema_name` is the tenant's, in whatever table."""
        mine = {"tenant_id": str(self.tenant.pk), "schema_name": self.tenant.schema_name}
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT table_name, column_name FROM information_schema.columns"
                " WHERE table_schema = 'public' AND column_name IN ('tenant_id', 'schema_name')"
                " ORDER BY 1, 2"
            )
            return {
                f"public.{table}": f"{column}::text = '{mine[column]}'"
                for table, column in cursor.fetchall()
                if table not in NOTES
            }


def _fingerprint(cursor: Any, tables: dict[str, str]) -> str:
    row = f"(to_jsonb(r) - ARRAY{OF_USE})::text"
    union = " UNION ALL ".join(
        f"SELECT '{table}' AS t, md5(coalesce(string_agg({row}, '' ORDER BY {row}), ''))"
        f" FROM {table} r WHERE {condition}"
        for table, condition in tables.items()
    )
    question = f"SELECT md5(string_agg(u::text, '' ORDER BY u.t)) FROM ({union}) u"
    # Thousands of times the same, and longer to plan than to answer.
    name = f"fingerprint_{hashlib.md5(question.encode()).hexdigest()}"
    known = vars(connection.connection).setdefault("fingerprints", set())
    if name not in known:
        cursor.execute(f"PREPARE {name} AS {question}")
        known.add(name)
    cursor.execute(f"EXECUTE {name}")
    return str(cursor.fetchone()[0])
