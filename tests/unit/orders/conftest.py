from collections.abc import Callable
from typing import Any

import pytest

from controlplane.orders.default_policy import RULES, SLUG
from controlplane.orders.normal import NormalOrder
from controlplane.orders.shops import normalize_order
from controlplane.policies.judging import RuleSet
from tests.factories.shopify_orders import body_of


@pytest.fixture
def read() -> Callable[..., NormalOrder]:
    """`read("eur_small", currency=None)`: the file's order as Pergola sees it."""
    return lambda name="eur_small", /, **changes: normalize_order(body_of(name, **changes))


@pytest.fixture
def default_version() -> Any:
    """The default policy as a published version, without a database."""
    return RuleSet(id="1", number=1, layer="tenant", slug=SLUG, rules=RULES)
