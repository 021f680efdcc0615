"""What logs and error reports leave out: shapes of secrets, and values that are known as such."""

import json
import logging
import sys
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from django.test import RequestFactory
from django.views.debug import ExceptionReporter

from controlplane.core import logs, redaction
from controlplane.core.redaction import HIDDEN, never_show, redact, remember
from tests.unit.core.test_logs import lines  # noqa: F401  (a fixture)

Lines = Callable[[], list[dict[str, Any]]]
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhYmMxMjM0In0.c2lnbmF0dXJlLW9mLWl0"


@pytest.fixture(autouse=True)
def _nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_remembered", type(redaction._remembered)())
    monkeypatch.setattr(redaction, "_always", set())


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"key pgl_0123456789ab_{'c0' * 32} used", "c0c0c0"),
        (f"key pgl_live_0123456789ab_{'c0' * 32} used", "c0c0c0"),
        ("Authorization: Bearer abcdefgh12345", "abcdefgh12345"),
        ('{"authorization": "Basic dXNlcjpwYXNz"}', "dXNlcjpwYXNz"),
        (f"X-N8N-API-KEY: {JWT}", "eyJzdWIi"),
        (f"it said {JWT}.", "eyJzdWIi"),
        ("{'cookie': 'pergola_session=abcdef1234'}", "abcdef1234"),
        ("postgresql://app:s3cr3t-word@db:5432/pergola", "s3cr3t-word"),
        ("redis://:s3cr3t-word@cache:6379/0", "s3cr3t-word"),
        ("GET /webhook-waiting/77?signature=deadbeef0123", "deadbeef0123"),
        ("POST https://x.example/cb?code=abc123def&state=1", "abc123def"),
        ("password=correcthorse", "correcthorse"),
        ('{"member_password": "Pg1correcthorse"}', "Pg1correcthorse"),
        ("the key sk-proj-abcdefghijklmnop1234 was refused", "abcdefghijklmnop1234"),
        ("pgl1.r.1.AAAAAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAA"),
    ],
)
def test_shapes_of_secrets_are_left_out(text: str, secret: str) -> None:
    assert secret not in redact(text)
    assert HIDDEN in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "order 1001 of shop was accepted",
        "https://n8n.example.com/api/v1/workflows?limit=100",
        '{"tokens_in": 120, "tokens_out": 64, "key": "n8n:1:2:Review:0:0"}',
        "Undecryptable: data key 1 of its schema is retired",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


def test_a_value_that_is_known_is_left_out_in_whatever_shape() -> None:
    remember('quotes " and ümlaut in it')
    never_show("postgresql://app:plain-enough@db/pergola")

    assert redact('it was quotes " and ümlaut in it!') == f"it was {HIDDEN}!"
    assert redact(json.dumps({"a": 'quotes " and ümlaut in it'})) == json.dumps({"a": HIDDEN})
    assert redact("plain-enough") == HIDDEN


def test_what_is_remembered_has_a_bound() -> None:
    for number in range(redaction.MOST_REMEMBERED + 10):
        remember(f"secret number {number}")

    assert redact("secret number 0 of") == "secret number 0 of"
    assert redact(f"secret number {number} of") == f"{HIDDEN} of"


def test_lines_of_ours_and_of_libraries_stay_json_without_secrets(lines: Lines) -> None:  # noqa: F811
    remember("correct horse battery")
    logs.get_logger("pergola.test").info(
        "called", headers={"Authorization": "Bearer abcdefgh12345"}, said="correct horse battery"
    )
    logging.getLogger("celery.app.trace").info("kwargs: {'secret': 'correct horse battery'}")
    logging.getLogger("httpx").warning("HTTP Request: GET %s", f"https://x/?token={JWT}")
    try:
        raise httpx.HTTPError("refused correct horse battery at redis://:s3cr3t-word@cache/0")
    except httpx.HTTPError:
        logging.getLogger("django.request").exception("failed")

    written = json.dumps(lines())

    assert len(lines()) == 4
    for secret in ("abcdefgh12345", "correct horse", "eyJzdWIi", "s3cr3t-word"):
        assert secret not in written


def test_an_error_report_names_places_and_no_values(settings: Any) -> None:
    # In pieces, since the page quotes the lines around each frame.
    local, broker = " ".join(["correct", "horse"]), "-".join(["a", "broker", "password"])
    never_show(broker)
    settings.CELERY_BROKER_URL = f"redis://:{broker}@cache:6379/0"
    request = RequestFactory().post("/", {"note": local})
    try:
        raise RuntimeError("it failed")
    except RuntimeError:
        report = ExceptionReporter(request, *sys.exc_info())
        written = report.get_traceback_text() + report.get_traceback_html()

    assert "it failed" in written
    assert local not in written
    assert broker not in written
