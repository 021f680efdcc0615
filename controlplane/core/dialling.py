"""Connections to hosts that somebody typed in: never into the installation's own network.

A name is looked up once, what it answers is judged, and exactly that address is dialled. So a name
that answers differently the second time gains nothing.
"""

import socket
from collections.abc import Collection
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

_NAT64 = ip_network("64:ff9b::/96")


class AddressForbidden(Exception):
    """A name led to an address that is not of the public internet."""


def is_public(address: str | IPv4Address | IPv6Address) -> bool:
    """Whether it is of the public internet, also where it carries another address inside."""
    found = ip_address(address) if isinstance(address, str) else address
    if isinstance(found, IPv6Address):
        if (inner := _carried(found)) is not None:
            return is_public(inner)
        if found.is_site_local:
            return False
    return found.is_global and not found.is_multicast and not found.is_reserved


def public_addresses(host: str, port: int, *, private_hosts: Collection[str] = ()) -> list[str]:
    """The addresses to dial, in the resolver's order. Raises AddressForbidden and OSError.

    `private_hosts` are `host` or `host:port`, and may be anywhere. One private address among
    several is refused too: the name is not to be trusted.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not is_private_host(host, port, private_hosts):
        for address in addresses:
            if not is_public(address):
                raise AddressForbidden(
                    f"{host} leads to {address}, which is not an address of the public internet"
                )
    return addresses


def is_private_host(host: str, port: int, private_hosts: Collection[str]) -> bool:
    """Whether the operator lets this host be anywhere."""
    return bool({host.lower(), f"{host.lower()}:{port}"} & {one.lower() for one in private_hosts})


def dial(
    host: str, port: int, *, timeout: float, private_hosts: Collection[str] = ()
) -> socket.socket:
    """An open TCP connection. Raises AddressForbidden and OSError."""
    failed: OSError | None = None
    for address in public_addresses(host, port, private_hosts=private_hosts):
        try:
            return socket.create_connection((address, port), timeout=timeout)
        except OSError as error:
            failed = error
    raise failed or OSError(f"{host} has no address")


def _carried(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that a mapped, NAT64, 6to4 or Teredo address stands for."""
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
