"""From an address to the network that is kept instead of it."""

import pytest

from controlplane.core.addresses import network_of


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2::9", "2001:db8:1::/48"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("", ""),
        ("unknown", ""),
        ("203.0.113.77:80", ""),
    ],
)
def test_a_network_is_kept_not_the_address(address: str, network: str) -> None:
    assert network_of(address) == network
