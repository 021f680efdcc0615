"""The verifier's own RFC 8785 and RFC 8032, against the RFCs' vectors and the libraries we use."""

import ast
import random
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from controlplane.audit import verifier
from controlplane.audit.verifier import Unreadable, canonical, ed25519_verifies

# RFC 8032, section 7.1: public key, message, signature.
VECTORS = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
    (
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ),
]


@pytest.mark.parametrize(("public", "message", "signature"), VECTORS)
def test_the_vectors_of_rfc_8032_verify(public: str, message: str, signature: str) -> None:
    key, text, signed = map(bytes.fromhex, (public, message, signature))

    assert ed25519_verifies(key, text, signed)
    assert not ed25519_verifies(key, text + b"x", signed)
    assert not ed25519_verifies(key, text, signed[:-1] + bytes([signed[-1] ^ 1]))
    assert not ed25519_verifies(key, text, bytes([signed[0] ^ 1]) + signed[1:])


def test_what_the_library_signs_verifies_here() -> None:
    for number in range(10):
        key, message = Ed25519PrivateKey.generate(), bytes(range(number * 20))
        public = key.public_key().public_bytes_raw()

        assert ed25519_verifies(public, message, key.sign(message))
        assert not ed25519_verifies(public, message + b"\0", key.sign(message))


def test_a_signature_with_a_scalar_too_large_is_refused() -> None:
    """RFC 8032 asks for it, or one signature could be written in two ways."""
    key, text, signed = (bytes.fromhex(each) for each in VECTORS[1])
    order = 2**252 + 27742317777372353535851937790883648493
    scalar = int.from_bytes(signed[32:], "little") + order

    assert not ed25519_verifies(key, text, signed[:32] + scalar.to_bytes(32, "little"))


@pytest.mark.parametrize(("key", "signature"), [(b"", b""), (b"\xff" * 32, b"\0" * 64)])
def test_nonsense_does_not_verify(key: bytes, signature: bytes) -> None:
    assert not ed25519_verifies(key, b"", signature)


@pytest.mark.parametrize(
    "value",
    [
        None, True, False, [], {}, "", "€\r\n\t\b\f\"\\/\x00\x1f\x7f\u2028 Łódź 🙂",
        {"€": 1, "\r": 2, "דּ": 3, "1": 4, "😀": 5, "\x80": 6, "ö": 7},
        0, -1, 2**53 - 1, 0.0, -0.0, 1.0, 1.5, -0.5, 333333333.33333329, 1e30, 4.50, 2e-3, 1e-27,
        1e21, 1e20, 123456789012345680000.0, 1e-6, 1e-7, 9007199254740993.0, 5e-324,
        1.7976931348623157e308, 0.1 + 0.2,
    ],
)  # fmt: skip
def test_it_is_the_same_json_as_the_one_that_was_hashed(value: Any) -> None:
    assert canonical({"value": [value]}) == rfc8785.dumps({"value": [value]})


def test_any_number_is_written_alike() -> None:
    dice = random.Random(8785)
    for _n in range(3000):
        value = dice.choice([-1, 1]) * dice.random() * 10.0 ** dice.randint(-30, 30)

        assert canonical(value) == rfc8785.dumps(value)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**53 + 1, {1, 2}])
def test_what_json_cannot_carry_is_refused(value: object) -> None:
    with pytest.raises(Unreadable):
        canonical(value)


def test_it_is_python_of_2020_and_imports_nothing_of_ours() -> None:
    tree = ast.parse(Path(verifier.__file__).read_text(), feature_version=(3, 9))

    imported = {
        name
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [str(node.module)]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert imported == {
        "__future__", "argparse", "base64", "collections.abc", "datetime", "hashlib", "json",
        "math", "os", "sys", "typing", "zipfile",
    }  # fmt: skip
