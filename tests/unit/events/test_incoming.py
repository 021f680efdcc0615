"""A body is read once, piece by piece, up to a limit; and known as signed only at its end."""

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest

from controlplane.events import signing
from controlplane.events.incoming import BodyTooLarge, Incoming, limited, read_body
from controlplane.events.models import Source
from controlplane.events.signing import id_of, signed_chunks
from controlplane.events.verification import SignatureInvalid

BODY = b"what do ya want for nothing?"
SOURCE: Any = Source(slug="till", secret="Jefe")
# RFC 4231, test case 2.
SIGNATURE = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"


def incoming(*pieces: bytes, signature: str = SIGNATURE, length: int = 0) -> Incoming:
    return Incoming(iter(pieces), {signing.SIGNATURE_HEADER: signature}, length)


def test_the_signature_of_the_standard() -> None:
    assert signing.sign(BODY, "Jefe") == SIGNATURE


@pytest.mark.parametrize("signature", [SIGNATURE, SIGNATURE.upper().replace("SHA", "sha")])
def test_a_body_in_pieces_fits_its_signature(signature: str) -> None:
    given = incoming(BODY[:5], BODY[5:6], BODY[6:], signature=signature)

    assert b"".join(signed_chunks(SOURCE, given, limit=100)) == BODY


def test_pieces_come_out_before_the_end_is_known() -> None:
    chunks = signed_chunks(SOURCE, incoming(BODY, b"!"), limit=100)

    assert next(chunks) == BODY
    assert next(chunks) == b"!"
    with pytest.raises(SignatureInvalid, match="X-Pergola-Signature"):
        next(chunks)


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param("", id="none"),
        pytest.param(SIGNATURE.removeprefix("sha256="), id="without the name of the digest"),
        pytest.param(SIGNATURE[:-2], id="too short"),
        pytest.param("sha1=" + hashlib.sha256(BODY).hexdigest(), id="of another digest"),
        pytest.param("sha256=" + "é" * 64, id="no hex"),
        pytest.param("sha256=" + "٣" * 64, id="other digits"),
        pytest.param(SIGNATURE + "\n" + SIGNATURE, id="two"),
    ],
)
def test_what_is_no_signature_is_refused_unread(signature: str) -> None:
    def unread() -> Iterator[bytes]:
        pytest.fail("the body was read")
        yield b""

    given = Incoming(unread(), {signing.SIGNATURE_HEADER: signature})
    with pytest.raises(SignatureInvalid):
        next(signed_chunks(SOURCE, given, limit=100))


def test_no_secret_fits_no_signature() -> None:
    source: Any = Source(slug="till", secret="")
    with pytest.raises(SignatureInvalid):
        list(signed_chunks(source, incoming(BODY, signature=signing.sign(BODY, "")), limit=100))


def test_the_limit_holds_whatever_was_declared() -> None:
    assert read_body(incoming(b"12345", b"67890"), limit=10) == b"1234567890"

    chunks = limited(incoming(b"12345", b"678901", length=3), limit=10)
    assert next(chunks) == b"12345"
    with pytest.raises(BodyTooLarge, match="10 bytes"):
        next(chunks)


def test_what_is_declared_too_large_is_not_read() -> None:
    given = incoming(b"1", length=11)
    with pytest.raises(BodyTooLarge):
        read_body(given, limit=10)

    assert next(given.chunks) == b"1"


def test_headers_are_found_however_they_are_written() -> None:
    given = Incoming.of(BODY, {"x-pergola-ID": " 4711 "})

    assert id_of(given) == "4711"
    assert given.header("Filename") == ""
    assert given.content_length == len(BODY)


def test_the_example_says_how_to_send_a_file() -> None:
    command = signing.example(file="invoice.xml", content_type="application/xml").format(
        address="https://pergola.example/in/north/invoices"
    )

    assert "curl https://pergola.example/in/north/invoices" in command
    assert "--data-binary @invoice.xml" in command
    assert "X-Pergola-Signature: sha256=$SIGNATURE" in command
