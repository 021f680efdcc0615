"""What a policy said, as the portal tells it."""

import pytest
from django.utils import translation

from controlplane.orders.models import Order
from controlplane.portal.reasons import in_words


def order(**changes):
    return Order(**{"currency": "USD", "ship_to": {"country": "US"}, "bill_to": None} | changes)


@pytest.mark.parametrize(
    ("language", "message", "told"),
    [
        ("en", "The total is 7485.33 USD.", "The total is $7,485.33."),
        ("de", "The total is 7485.33 USD.", "The total is 7.485,33\xa0$."),
        ("en", "It ships to US, which is far.", "It ships to United States, which is far."),
        ("de", "It ships to US, which is far.", "It ships to Vereinigte Staaten, which is far."),
        ("en", "No limit is set for USD.", "No limit is set for USD."),
    ],
)
def test_amounts_and_countries_are_as_beside_the_message(language, message, told):
    with translation.override(language):
        assert in_words(message, order()) == told


@pytest.mark.parametrize(
    "message",
    ["PO 12 has 3 ALL caps", "10 EUR of another order", "No ID was given", "USDA 1.USD, BUS, USB"],
)
def test_what_the_order_does_not_say_stays_as_it_is(message):
    assert in_words(message, order()) == message


def test_without_an_order_nothing_is_guessed():
    assert in_words("7485.33 USD to US", None) == "7485.33 USD to US"
