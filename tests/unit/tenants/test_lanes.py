"""A tenant's tasks wait in one lane, and the tenants spread over all of them."""

from collections import Counter

from controlplane.core.lanes import LANES, lane_of


def test_a_tenant_is_always_in_the_same_lane() -> None:
    assert lane_of("t_north") == lane_of("t_north")


def test_a_thousand_tenants_fill_every_lane() -> None:
    filled = Counter(lane_of(f"t_customer_{number}") for number in range(1000))

    assert set(filled) == set(LANES)
    assert max(filled.values()) < 2 * 1000 / len(LANES)
