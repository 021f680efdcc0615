"""Shopify's signature over the raw body, and what people call an order."""

import json
from pathlib import Path
from typing import Any

import pytest

from controlplane.events import shopify

VECTORS = json.loads(
    (Path(__file__).parents[2] / "data" / "shopify-hmac" / "vectors.json").read_text()
)


@pytest.mark.parametrize("vector", VECTORS["webhook"], ids=lambda v: v.get("why", v["hmac"])[:30])
def test_signatures_of_another_implementation(vector: dict[str, Any]) -> None:
    headers = {} if vector["hmac"] is None else {VECTORS["header"]: vector["hmac"]}

    is_signed = shopify.is_signed(vector["body"].encode(), VECTORS["secret"], headers)

    assert VECTORS["header"] == shopify.SIGNATURE_HEADER
    assert is_signed is vector["valid"]


def test_a_signature_covers_the_bytes_not_the_text() -> None:
    body = '{"name":"Łódź"}'.encode()
    headers = {shopify.SIGNATURE_HEADER: shopify.sign(body, "hush")}

    assert shopify.is_signed(body, "hush", headers)
    assert not shopify.is_signed(body + b" ", "hush", headers)
    assert not shopify.is_signed(body, "hush2", headers)


@pytest.mark.parametrize("given", ["ä" * 44, "====", "a b", "\u200b"])
def test_a_signature_that_is_no_base64_is_a_bad_one(given: str) -> None:
    assert not shopify.is_signed(b"{}", "hush", {shopify.SIGNATURE_HEADER: given})


@pytest.mark.parametrize(
    ("payload", "called"),
    [
        ({"name": "#1001", "order_number": 1001, "id": 5}, "#1001"),
        ({"name": "", "order_number": 1001}, "1001"),
        ({"name": None, "id": 5}, "5"),
        ({"name": ["#1"], "id": "gid://5"}, "gid://5"),
        ({"order": {"name": "#1"}}, "#1"),
        ({"name": "x" * 500}, "x" * 200),
        ({"name": "a\x00b\ud800c"}, "a\ufffdb\ufffdc"),
        ({}, ""),
    ],
)
def test_the_subject_is_what_people_call_it(payload: dict[str, Any], called: str) -> None:
    assert shopify.subject(payload) == called
