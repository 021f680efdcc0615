"""Kinds of sources that higher floors bring: a document that is streamed, and a JSON message.

The two here do what those of invoices and support do, with nothing behind them.
"""

import hashlib
import io
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as live_settings
from django.http import HttpResponse
from django.test import Client

from controlplane.events import kinds, services, signing
from controlplane.events.incoming import Incoming, parse_object
from controlplane.events.kinds import KindUnknown, Received, SourceKind
from controlplane.events.models import Event, OutboxMessage, Source
from tenants import files
from tenants.context import inside, outside
from tenants.models import Tenant
from tests.factories.events import (
    ADA,
    SECRET,
    make_source,
    make_subscription,
    make_workspace,
    order_body,
    signed_headers,
    webhook_headers,
)

MEGABYTE = 1024 * 1024
seen: list[int] = []


def receive_document(source: Source, incoming: Incoming) -> Received:
    def watched(chunks: Iterator[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            seen.append(len(chunk))
            yield chunk

    limit = live_settings.DOCUMENT_MAX_BYTES
    stored = files.store(watched(signing.signed_chunks(source, incoming, limit=limit)), limit=limit)
    return services.publish(
        type="invoice.received",
        subject=incoming.header("Filename"),
        body={"sha256": stored.sha256, "size": stored.size},
        external_id=signing.id_of(incoming) or f"sha256:{stored.sha256}",
        is_test=incoming.is_test,
        source=source,
        by=ADA,
    )


def receive_message(source: Source, incoming: Incoming) -> Received:
    limit = live_settings.INTAKE_MAX_BYTES
    message = parse_object(b"".join(signing.signed_chunks(source, incoming, limit=limit)))
    return services.publish(
        type="ticket.received",
        subject=message["subject"],
        body=message,
        external_id=signing.id_of(incoming) or message["subject"],
        is_test=incoming.is_test,
        source=source,
        by=ADA,
    )


def sample_message(source: Source) -> Incoming:
    return signing.signed_sample(source, b'{"subject": "A sample"}', {})


@pytest.fixture(autouse=True)
def _kinds(settings: Any, tmp_path: Path) -> Iterator[None]:
    settings.FILES_ROOT = tmp_path
    seen.clear()
    example = signing.example(file="a.xml", content_type="application/xml")
    kinds.register_kind(SourceKind("papers", "Papers", "Any", receive_document, example))
    kinds.register_kind(
        SourceKind("notes", "Notes", "Any", receive_message, example, sample_message)
    )
    yield
    kinds.forget_kind("papers")
    kinds.forget_kind("notes")


@pytest.fixture
def papers(north: Tenant) -> Source:
    with inside(north):
        return make_source("papers", kind="papers")


@pytest.fixture
def notes(north: Tenant) -> Source:
    with inside(north):
        return make_source("notes", kind="notes")


def post(
    body: bytes, headers: dict[str, str] | None = None, path: str = "/in/north/papers", **extra: Any
) -> Any:
    client = Client(headers={"host": "localhost"}, enforce_csrf_checks=True)
    given = signed_headers(body) if headers is None else headers
    return client.post(path, body, "application/xml", headers=given, **extra)


def assert_refused(tenant: Tenant, answer: HttpResponse, status: int, code: str) -> None:
    """With a problem, and with neither row nor file left behind."""
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.content
    with inside(tenant):
        assert not Event.objects.exists()
    with outside():
        assert not OutboxMessage.objects.exists()
    assert files_kept() == []


def files_kept() -> list[Path]:
    return [path for path in Path(live_settings.FILES_ROOT).rglob("*") if path.is_file()]


class Zeros(io.RawIOBase):
    """So many bytes on the wire, made as they are read; remembers how much is asked for at once."""

    def __init__(self, size: int) -> None:
        self.left = size
        self.asked: list[int] = []

    def read(self, size: int = -1, /) -> bytes:
        self.asked.append(size)
        piece = bytes(min(self.left, size) if size >= 0 else self.left)
        self.left -= len(piece)
        return piece


def test_a_document_is_kept_and_is_an_event(north: Tenant, papers: Source) -> None:
    with inside(north):
        make_workspace()
        make_subscription(event_types=["invoice.received"])

    answer = post(b"<Invoice/>", signed_headers(b"<Invoice/>", own_id="4711"))

    assert answer.status_code == 202
    with inside(north):
        event = Event.objects.get(pk=answer.json()["event_id"])
        assert (event.type, event.external_id, event.source) == (
            "invoice.received", "4711", papers,
        )  # fmt: skip
        assert files.read_file(hashlib.sha256(b"<Invoice/>").hexdigest()) == b"<Invoice/>"
        assert event.deliveries.count() == 1


def test_a_large_document_is_never_in_memory_whole(
    north: Tenant, papers: Source, settings: Any
) -> None:
    size = 30 * MEGABYTE
    settings.DOCUMENT_MAX_BYTES = size
    wire = Zeros(size)
    signature = signing.sign(bytes(size), SECRET)

    tracemalloc.start()
    answer = post(
        b"",
        {signing.SIGNATURE_HEADER: signature},
        **{"wsgi.input": wire, "CONTENT_LENGTH": str(size)},
    )
    _now, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert answer.status_code == 202
    assert sum(seen) == size
    assert max(seen) <= 64 * 1024
    assert max(wire.asked) <= 64 * 1024
    assert most < 4 * MEGABYTE
    assert [path.stat().st_size for path in files_kept()] == [size]


def test_a_signature_that_does_not_fit_leaves_nothing(north: Tenant, papers: Source) -> None:
    body = bytes(3 * MEGABYTE)

    answer = post(body, signed_headers(body + b" "))

    assert sum(seen) == len(body)  # known only at the end
    assert_refused(north, answer, 401, "signature_invalid")


@pytest.mark.parametrize("signature", ["", "wrong", "sha256=", "sha256=" + "0" * 63])
def test_what_is_no_signature_is_not_even_read(
    north: Tenant, papers: Source, signature: str
) -> None:
    answer = post(b"<Invoice/>", {signing.SIGNATURE_HEADER: signature})

    assert seen == []
    assert_refused(north, answer, 401, "signature_invalid")


def test_a_document_that_is_declared_too_large(
    north: Tenant, papers: Source, settings: Any
) -> None:
    settings.DOCUMENT_MAX_BYTES = 100
    wire = Zeros(101)
    headers = signed_headers(bytes(101))

    answer = post(b"", headers, **{"wsgi.input": wire, "CONTENT_LENGTH": "101"})

    assert wire.asked == []
    assert_refused(north, answer, 413, "body_too_large")


def test_a_document_that_was_cut_off(north: Tenant, papers: Source) -> None:
    body = b"<Invoice/>"

    answer = post(body, **{"wsgi.input": io.BytesIO(body[:5])})

    assert_refused(north, answer, 401, "signature_invalid")


def test_a_connection_that_ends_within_the_document(north: Tenant, papers: Source) -> None:
    class Broken(Zeros):
        def read(self, size: int = -1, /) -> bytes:
            if self.asked:
                raise ConnectionResetError
            return super().read(size)

    body = bytes(MEGABYTE)

    answer = post(body, **{"wsgi.input": Broken(len(body))})

    assert len(seen) == 1
    assert_refused(north, answer, 400, "body_malformed")


def test_a_body_without_a_length_is_asked_for_one(north: Tenant, papers: Source) -> None:
    answer = post(b"<Invoice/>", CONTENT_LENGTH="", HTTP_TRANSFER_ENCODING="chunked")

    assert_refused(north, answer, 411, "length_missing")


def test_a_document_is_larger_than_an_event_may_be(
    north: Tenant, papers: Source, notes: Source, settings: Any
) -> None:
    settings.INTAKE_MAX_BYTES = settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    body = b'{"subject": "' + b"x" * 200 + b'"}'

    assert_refused(north, post(body, path="/in/north/notes"), 413, "body_too_large")
    assert post(body).status_code == 202


def test_the_same_document_again_is_the_same_event(north: Tenant, papers: Source) -> None:
    first, again = post(b"<Invoice/>"), post(b"<Invoice/>")

    assert (first.status_code, again.status_code) == (202, 200)
    assert again.json() == {"event_id": first.json()["event_id"], "duplicate": True}
    assert len(files_kept()) == 1


def test_the_same_number_with_another_body_is_a_conflict(north: Tenant, papers: Source) -> None:
    first, other = (post(body, signed_headers(body, own_id="1")) for body in (b"<a/>", b"<b/>"))

    assert (first.status_code, other.status_code) == (202, 409)
    assert other.json()["code"] == "event_id_reused"


def test_a_message_is_given_on_as_an_object(north: Tenant, notes: Source) -> None:
    answer = post('{"subject": "Où est ma commande ?"}'.encode(), path="/in/north/notes")

    assert answer.status_code == 202
    with inside(north):
        assert Event.objects.get().subject == "Où est ma commande ?"


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", rb'{"subject": "\ud800"}'])
def test_a_message_that_is_no_json_object(north: Tenant, notes: Source, body: bytes) -> None:
    assert_refused(north, post(body, path="/in/north/notes"), 400, "body_malformed")


def test_a_message_signed_with_the_secret_of_another_source(north: Tenant, notes: Source) -> None:
    body = b'{"subject": "Hello"}'

    answer = post(body, signed_headers(body, secret="other"), path="/in/north/notes")

    assert_refused(north, answer, 401, "signature_invalid")


def test_shopifys_signature_opens_no_other_kind(north: Tenant, notes: Source) -> None:
    answer = post(order_body(), webhook_headers(order_body()), path="/in/north/notes")

    assert_refused(north, answer, 401, "signature_invalid")


def test_each_tenant_has_its_own(north: Tenant, south: Tenant, papers: Source) -> None:
    assert post(b"<Invoice/>", path="/in/south/papers").status_code == 404
    with inside(south):
        make_source("papers", kind="papers")

    assert post(b"<Invoice/>").status_code == 202
    assert post(b"<Invoice/>", path="/in/south/papers").status_code == 202
    assert len(files_kept()) == 2
    for tenant in (north, south):
        with inside(tenant):
            assert Event.objects.count() == 1


def test_a_source_whose_kind_is_gone_takes_nothing(north: Tenant, papers: Source) -> None:
    with inside(north):
        Source.objects.update(kind="faxes")

    answer = post(b"<Invoice/>")

    assert_refused(north, answer, 422, "source_kind_unknown")


def test_no_source_is_made_of_a_kind_that_nobody_registered(tenant: Tenant) -> None:
    with pytest.raises(KindUnknown, match=r"no “faxes”.*shopify"):
        make_source("faxes", kind="faxes")


def test_no_name_means_two_kinds() -> None:
    with pytest.raises(ValueError, match="papers"):
        kinds.register_kind(SourceKind("papers", "Other papers", "", receive_document))


def test_a_sample_goes_through_the_same_door(tenant: Tenant, notes: Source) -> None:
    event = services.send_test_event(source=notes).event

    assert (event.subject, event.is_test, event.type) == ("A sample", True, "ticket.received")


def test_a_kind_without_a_sample_says_so(tenant: Tenant, papers: Source) -> None:
    with pytest.raises(services.NothingToTry, match="papers"):
        services.send_test_event(source=papers)
