"""A context of its own, so that these tests know no orders."""

from typing import Any

import pytest

from controlplane.policies.contexts import Context, Parameter
from controlplane.policies.judging import RuleSet


@pytest.fixture(scope="session")
def basket() -> Context:
    return Context(
        name="basket",
        fields={
            "basket.number": "What it is called",
            "basket.total.minor": "Total in minor units",
            "basket.total.currency": "Its currency",
            "basket.tags": "Tags",
            "basket.items": "Items",
            "basket.items.sku": "Article number",
            "basket.items.quantity": "How many",
        },
        list_bounds={"basket.items": 500, "basket.tags": 100, "params.countries": 100},
        sample={
            "basket": {
                "number": "B1",
                "total": {"minor": 100, "currency": "EUR"},
                "tags": ["new"],
                "items": [{"sku": "A", "quantity": 1}],
            }
        },
        parameters={
            "limit": Parameter(None, "The highest total"),
            "countries": Parameter([], "Countries"),
        },
    )


@pytest.fixture
def basket_of(basket: Context) -> Any:
    """Builds the input: `basket_of(number="B2")` changes a field of the sample."""
    return lambda **fields: {"basket": {**basket.sample["basket"], **fields}}


@pytest.fixture
def version() -> Any:
    """What `judge` reads of a published version."""

    def build(*rules: tuple[str, str, str], slug: str = "checks", layer: str = "tenant") -> Any:
        return RuleSet(
            id="1",
            number=1,
            layer=layer,
            slug=slug,
            rules=[
                {"code": code, "verdict": verdict, "expression": expression, "message": code}
                for code, verdict, expression in rules
            ],
        )

    return build
