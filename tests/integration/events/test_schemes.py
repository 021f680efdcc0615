"""Each way to prove who one is: what fits is an event, and everything else leaves nothing."""

import json
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from controlplane.events import services
from controlplane.events.models import Event, ExceptionCase, Source
from controlplane.events.verification import keyed_hash, standard_webhooks, woocommerce
from tenants.context import inside
from tenants.models import Tenant
from tests.factories.events import ADA, SECRET

VECTORS = json.loads(
    (Path(__file__).parents[2] / "data" / "standard-webhooks" / "vectors.json").read_text()
)
BODY = b'{"type": "order.created", "subject": "#7", "total": 1.10}'
Make = Callable[..., Source]


@pytest.fixture
def make(north: Tenant) -> Make:
    def make(kind: str, secret: str = SECRET, **options: str) -> Source:
        with inside(north):
            return services.create_source(
                slug="door", name="Door", kind=kind, secret=secret, options=options, by=ADA
            )[0]

    return make


def post(
    body: bytes, headers: dict[str, str], content_type: str = "application/json", **extra: Any
) -> Any:
    client = Client(headers={"host": "localhost"}, enforce_csrf_checks=True)
    return client.post("/in/north/door", body, content_type, headers=headers, **extra)


def only_event(tenant: Tenant) -> Event:
    with inside(tenant):
        return Event.objects.get()


def assert_nothing(tenant: Tenant, answer: Any, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.content
    with inside(tenant):
        assert not Event.objects.exists()


# --- Standard Webhooks ---------------------------------------------------------------------------


def standard(body: bytes = BODY, *, at: float = 0, **changes: str) -> dict[str, str]:
    stamp = int(time.time() + at)
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(stamp),
        "webhook-signature": standard_webhooks.sign(
            VECTORS["secret"], message_id="msg_1", timestamp=stamp, body=body
        ),
    }
    return {name: value for name, value in (headers | changes).items() if value}


@pytest.mark.parametrize("vector", VECTORS["sign"])
def test_the_published_signature_comes_out(vector: dict[str, Any]) -> None:
    assert vector["signature"] == standard_webhooks.sign(
        VECTORS["secret"],
        message_id=vector["msg_id"],
        timestamp=vector["timestamp"],
        body=vector["payload"].encode(),
    )


def test_a_standard_webhook_is_an_event_with_its_own_number(north: Tenant, make: Make) -> None:
    make("standard-webhooks", VECTORS["secret"])

    answer = post(BODY, standard())

    assert answer.status_code == 202
    event = only_event(north)
    assert (event.external_id, event.type, event.subject) == ("msg_1", "order.created", "#7")
    assert event.body.encode() == BODY
    assert post(BODY, standard()).json() == {"event_id": str(event.pk), "duplicate": True}


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"webhook-id": ""}, "signature_invalid"),
        ({"webhook-timestamp": ""}, "signature_invalid"),
        ({"webhook-signature": ""}, "signature_invalid"),
        (
            {"webhook-signature": "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="},
            "signature_invalid",
        ),
        ({"webhook-signature": "v1,"}, "signature_invalid"),
        ({"at": -301}, "timestamp_outside_window"),
        ({"at": 302}, "timestamp_outside_window"),
    ],
)
def test_what_the_published_cases_reject(
    north: Tenant, make: Make, headers: dict[str, Any], code: str
) -> None:
    make("standard-webhooks", VECTORS["secret"])

    assert_nothing(north, post(BODY, standard(**headers)), 401, code)


def test_one_of_several_signatures_is_enough(north: Tenant, make: Make) -> None:
    make("standard-webhooks", VECTORS["secret"])
    good = standard()
    others = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= v2,x"

    answer = post(BODY, good | {"webhook-signature": f"{others} {good['webhook-signature']} v1,x"})

    assert answer.status_code == 202


@pytest.mark.parametrize("secret", ["whsec_", "whsec_%%%%%%%%%%%%%%%%"])
def test_a_secret_that_is_none_opens_nothing(north: Tenant, make: Make, secret: str) -> None:
    make("standard-webhooks", secret)

    assert_nothing(north, post(BODY, standard()), 401, "signature_invalid")


def test_a_clock_that_jumped_back_refuses_and_says_so(north: Tenant, make: Make) -> None:
    """The sender's clock is right and ours an hour behind: nothing is taken, nothing crashes."""
    make("standard-webhooks", VECTORS["secret"])

    answer = post(BODY, standard(at=3600))

    assert "ahead of our clock" in answer.json()["detail"]


def test_the_same_number_with_another_body_is_a_conflict(north: Tenant, make: Make) -> None:
    make("standard-webhooks", VECTORS["secret"])
    first, other = post(BODY, standard()), b'{"type": "order.created", "subject": "#8"}'

    answer = post(other, standard(other))

    assert (answer.status_code, answer.json()["code"]) == (409, "event_id_reused")
    assert str(only_event(north).pk) == first.json()["event_id"]
    with inside(north):
        case = ExceptionCase.objects.get()
        assert (case.type, case.body) == ("duplicate", other.decode())


def test_the_same_body_under_two_numbers_is_two_events(north: Tenant, make: Make) -> None:
    """“3 in stock” twice is two messages, where the sender promises a number for each."""
    make("standard-webhooks", VECTORS["secret"])
    stamp = int(time.time())
    again = standard(
        **{
            "webhook-id": "msg_2",
            "webhook-signature": standard_webhooks.sign(
                VECTORS["secret"], message_id="msg_2", timestamp=stamp, body=BODY
            ),
            "webhook-timestamp": str(stamp),
        }
    )

    assert [post(BODY, one).status_code for one in (standard(), again)] == [202, 202]


# --- WooCommerce ---------------------------------------------------------------------------------


def test_a_woocommerce_order(north: Tenant, make: Make) -> None:
    make("woocommerce")
    body = b'{"id": 12, "number": "1012", "total": "10.00"}'

    answer = post(
        body,
        {
            "X-WC-Webhook-Signature": woocommerce.sign(body, SECRET),
            "X-WC-Webhook-Topic": "order.created",
            "X-WC-Webhook-Delivery-ID": "d-1",
        },
    )

    assert answer.status_code == 202
    event = only_event(north)
    assert (event.type, event.subject, event.external_id) == ("order.created", "#1012", "d-1")


def test_a_woocommerce_order_that_was_changed_on_the_way(north: Tenant, make: Make) -> None:
    make("woocommerce")
    headers = {
        "X-WC-Webhook-Signature": woocommerce.sign(b'{"id": 12}', SECRET),
        "X-WC-Webhook-Topic": "order.created",
    }

    assert_nothing(north, post(b'{"id": 13}', headers), 401, "signature_invalid")


def test_the_try_of_woocommerce_is_answered_and_is_no_event(north: Tenant, make: Make) -> None:
    make("woocommerce")

    answer = post(b"webhook_id=7", {}, "application/x-www-form-urlencoded")

    assert (answer.status_code, answer.json()["event_id"]) == (200, None)
    with inside(north):
        assert not Event.objects.exists()


# --- HMAC of any system --------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", keyed_hash.ALGORITHMS)
@pytest.mark.parametrize("encoding", keyed_hash.ENCODINGS)
def test_any_hash_in_any_header(north: Tenant, make: Make, algorithm: str, encoding: str) -> None:
    source = make("hmac", header="X-Sig", algorithm=algorithm, encoding=encoding, prefix="h=")
    headers = keyed_hash.signed(source, BODY)

    assert headers["X-Sig"].startswith("h=")
    assert post(BODY, headers).status_code == 202
    assert post(BODY + b" ", headers).status_code == 401


@pytest.mark.parametrize("signature", ["", "h=", "ä", "h=zz", "0" * 64])
def test_what_is_no_signature(north: Tenant, make: Make, signature: str) -> None:
    make("hmac", prefix="h=")

    assert_nothing(north, post(BODY, {"X-Signature": signature}), 401, "signature_invalid")


def test_a_signed_time_has_to_be_recent(north: Tenant, make: Make) -> None:
    source = make("hmac", timestamp_header="X-Time")
    good = keyed_hash.signed(source, BODY)
    old = str(int(time.time()) - 4000)
    digest = keyed_hash.digest_of(old.encode() + b"." + BODY, SECRET)

    assert post(BODY, good | {"X-Time": old}).json()["code"] == "signature_invalid"
    replayed = post(BODY, {"X-Time": old, "X-Signature": digest.hex()})
    assert_nothing(north, replayed, 401, "timestamp_outside_window")
    assert post(BODY, good).status_code == 202


def test_type_subject_and_part_are_read_as_set_up(north: Tenant, make: Make) -> None:
    source = make(
        "hmac",
        types="shop.new = order.created\n* = order.updated",
        type_field="meta.event",
        subject_field="data.number",
        body_field="data",
        id_header="X-Id",
    )
    body = b'{"meta": {"event": "shop.new"}, "data": {"number": "A1", "total": 1.10}}'

    answer = post(body, keyed_hash.signed(source, body) | {"X-Id": "77"})

    assert answer.status_code == 202
    event = only_event(north)
    assert (event.type, event.subject, event.external_id) == ("order.created", "A1", "77")
    assert event.body == '{"number": "A1", "total": 1.10}'  # to the letter: 1.10 stays 1.10


def test_an_unknown_type_is_a_message(north: Tenant, make: Make) -> None:
    source = make("hmac")
    body = b'{"type": "weather.changed"}'

    post(body, keyed_hash.signed(source, body))

    assert only_event(north).type == "message.received"


def test_options_that_make_no_sense_are_refused(make: Make) -> None:
    with pytest.raises(services.OptionInvalid, match="sha256"):
        make("hmac", algorithm="md5")


# --- Bearer and client certificates --------------------------------------------------------------


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer wrong", f"Basic {SECRET}", SECRET, "ü"])
def test_a_token_that_is_not_the_sources(north: Tenant, make: Make, given: str) -> None:
    make("bearer")

    assert_nothing(north, post(BODY, {"Authorization": given}), 401, "signature_invalid")


def test_a_token_opens(north: Tenant, make: Make) -> None:
    make("bearer")

    assert post(BODY, {"Authorization": f"bearer {SECRET}"}).status_code == 202


@pytest.mark.parametrize(
    ("peer", "header", "status"),
    [
        ("10.0.0.7", "AB:CD:01", 202),
        ("10.0.0.7", "abcd01", 202),
        ("10.0.0.7", "abcd02", 401),
        ("10.0.0.7", "", 401),
        ("192.0.2.1", "abcd01", 401),  # anybody can write a header
    ],
)
def test_a_client_certificate_counts_only_from_the_proxy(
    north: Tenant, make: Make, settings: Any, peer: str, header: str, status: int
) -> None:
    settings.MTLS_HEADER, settings.MTLS_PROXIES = "X-Client-Fingerprint", ["10.0.0.0/24"]
    make("certificate", certificate="ab:cd:01")

    answer = post(BODY, {"X-Client-Fingerprint": header}, REMOTE_ADDR=peer)

    assert answer.status_code == status


def test_without_a_named_proxy_no_certificate_is_believed(north: Tenant, make: Make) -> None:
    make("certificate", certificate="abcd01")

    answer = post(BODY, {"X-Client-Fingerprint": "abcd01"})

    assert "MTLS_HEADER" in answer.json()["detail"]


# --- Secrets that are replaced -------------------------------------------------------------------


def test_both_secrets_are_good_until_the_old_one_ends(north: Tenant, make: Make) -> None:
    source = make("hmac")
    old = keyed_hash.signed(source, BODY)
    with inside(north):
        services.replace_secret(source=source, by=ADA, overlap=timedelta(hours=1))
    new = keyed_hash.signed(source, BODY)

    assert old != new
    assert {post(BODY, one).status_code for one in (old, new)} <= {200, 202}
    with inside(north):
        Source.objects.update(previous_secret_until=timezone.now() - timedelta(seconds=1))
    assert post(BODY, old).status_code == 401
    assert post(BODY, new).status_code == 200


def test_without_an_overlap_the_old_secret_ends_at_once(north: Tenant, make: Make) -> None:
    source = make("hmac")
    old = keyed_hash.signed(source, BODY)
    with inside(north):
        services.replace_secret(source=source, by=ADA)

    assert_nothing(north, post(BODY, old), 401, "signature_invalid")


def test_an_overlap_can_be_ended(north: Tenant, make: Make) -> None:
    source = make("hmac")
    old = keyed_hash.signed(source, BODY)
    with inside(north):
        services.replace_secret(source=source, by=ADA, overlap=timedelta(days=400))
        until = source.previous_secret_until
        assert until is not None
        assert until < timezone.now() + timedelta(days=8)
        services.end_previous_secret(source=source, by=ADA)

    assert_nothing(north, post(BODY, old), 401, "signature_invalid")


# --- What cannot be read -------------------------------------------------------------------------


@pytest.mark.parametrize("body", [b"\xff\xfe", b"{", b"[]", b'{"a": NaN}', b'{"a": "\\ud800"}'])
def test_what_is_signed_and_cannot_be_read_is_refused_and_not_lost(
    north: Tenant, make: Make, body: bytes
) -> None:
    source = make("hmac")
    headers = keyed_hash.signed(source, body)

    assert_nothing(north, post(body, headers), 400, "body_malformed")
    assert_nothing(north, post(body, headers), 400, "body_malformed")
    with inside(north):
        case = ExceptionCase.objects.get()
        assert (case.type, case.occurrences, case.source) == ("parse", 2, source)
        assert case.body
        assert "X-Signature" not in case.headers


def test_what_is_not_signed_opens_no_exception(north: Tenant, make: Make) -> None:
    make("hmac")

    post(b"\xff", {"X-Signature": "00"})

    with inside(north):
        assert not ExceptionCase.objects.exists()


def test_ten_megabytes_are_refused_unread(north: Tenant, make: Make) -> None:
    make("hmac")

    answer = post(b"", {"X-Signature": "00"}, CONTENT_LENGTH=str(10 * 1024 * 1024))

    assert_nothing(north, answer, 413, "body_too_large")
