"""An amount as people type it into a form."""

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.utils import translation

from controlplane.portal.forms.parameters import MoneyField


@pytest.mark.parametrize(
    ("language", "typed", "amount"),
    [
        ("en", "500", "500"),
        ("en", "1,000.50", "1000.50"),
        ("en", " 0.10 ", "0.10"),
        ("de", "1.000", "1000"),
        ("de", "1.000,50", "1000.50"),
        ("de", "500,00", "500.00"),
    ],
)
def test_separators_are_those_of_the_language(language, typed, amount):
    with translation.override(language):
        value = MoneyField().clean([typed, "EUR"])
    assert (Decimal(value["amount"]), value["currency"]) == (Decimal(amount), "EUR")


@pytest.mark.parametrize(
    ("language", "typed"),
    [("en", "1,00"), ("de", "500.00"), ("en", "-1"), ("en", "NaN"), ("en", "many")],
)
def test_what_could_mean_another_amount_is_asked_about(language, typed):
    with translation.override(language), pytest.raises(ValidationError):
        MoneyField().clean([typed, "EUR"])
