"""Schemathesis over the whole OpenAPI: whatever comes in, the answer is what the document says.

Deterministic: the same examples in each run. In-process, in a transaction that is rolled back.
"""

from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from typing import Any
from urllib.parse import unquote

import hypothesis
import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from django.urls import resolve
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from controlplane.api.problems import nothing_here
from controlplane.core import problems
from tests.integration.isolation.callers import Callers
from tests.integration.isolation.world import World

CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance,
    response_headers_conformance, response_schema_conformance,
]  # fmt: skip
EXAMPLES = 12
DOCUMENT = "docs/openapi.json"


def load(path: str = DOCUMENT) -> Any:
    import json

    from django.conf import settings

    document = json.loads((settings.BASE_DIR / path).read_text(encoding="utf-8"))
    schema = schemathesis.openapi.from_dict(document)
    schema.app = get_wsgi_application()
    return schema


@pytest.fixture(autouse=True)
def _one_connection() -> Iterator[None]:
    """A server gives its connection back after each request; here a transaction stands on it."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


SCHEMA = load()
OPERATIONS = {found.ok().label: found.ok() for found in SCHEMA.get_all_operations()}


@cache
def examples(label: str, mode: GenerationMode) -> list[Any]:
    """Of an operation, the same few in each run."""
    operation = OPERATIONS[label]
    found: list[Any] = []

    @hypothesis.seed(4)
    @hypothesis.settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    def collect(case: Any) -> None:
        found.append(case)

    # Where nothing is given there is nothing to give wrongly.
    with suppress(hypothesis.errors.Unsatisfiable):
        collect()
    return found


def assert_answered(case: Any, response: Response) -> None:
    case.validate_response(response, checks=CHECKS)
    if response.status_code >= 400:
        found = response.json()
        assert response.headers["content-type"] == [problems.CONTENT_TYPE], response.headers
        assert found["status"] == response.status_code
        assert found["type"] == f"urn:pergola:problem:{found['code']}"
        assert found["code"].replace("_", "").isalnum()
        assert found["title"]
        assert found["detail"]


@pytest.mark.parametrize("label", OPERATIONS)
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_any_input_gets_an_answer_as_documented(
    label: str, mode: GenerationMode, world: World, callers: Callers
) -> None:
    key = {"Authorization": f"Bearer {callers.machine.key}"}
    for case in examples(label, mode):
        with transaction.atomic():
            assert_answered(case, case.call(headers=key))
            transaction.set_rollback(True)


@pytest.mark.parametrize("label", OPERATIONS)
def test_without_a_key_every_operation_is_refused(label: str, callers: Callers) -> None:
    # Not every text is a name that an address takes: where nothing is, nobody is asked for a key.
    case = next(
        found
        for found in examples(label, GenerationMode.POSITIVE)
        if resolve(unquote(found.formatted_path)).func is not nothing_here
    )
    case.headers.pop("Authorization", None)

    response = case.call()

    assert response.status_code == 401
    assert_answered(case, response)
