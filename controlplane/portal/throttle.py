"""How often one address, or everybody together, may do something at one tenant.

Keys of the cache carry the tenant.
"""

import hashlib
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv6Address, IPv6Network, ip_address

from django.core.cache import cache
from django.http import HttpRequest
from redis.exceptions import RedisError

from controlplane.core.addresses import address_of
from controlplane.core.logs import get_logger

log = get_logger(__name__)


@dataclass(frozen=True)
class Throttle:
    """At most `times` in each window of `seconds`, by one address or by all together.

    Windows begin at the same moment for all.

    Without Redis nobody is refused: what a person writes must not be lost for want of a counter.
    """

    name: str
    times: int
    seconds: int
    together: bool = False

    def refused_until(self, request: HttpRequest) -> datetime | None:
        """Counts this request; says when the next one is taken, if this one is too many."""
        window = int(time.time()) // self.seconds
        whose = "all" if self.together else _hashed(_network_of(address_of(request)))
        key = f"throttle:{self.name}:{whose}:{window}"
        try:
            cache.add(key, 0, timeout=self.seconds)
            count = cache.incr(key)
        except ValueError:  # it ended between the two
            return None
        except RedisError:
            log.warning("throttle.not_counted", throttle=self.name, exc_info=True)
            return None
        if count <= self.times:
            return None
        return datetime.fromtimestamp((window + 1) * self.seconds, tz=UTC)


def _hashed(address: str) -> str:
    """The address itself need not lie in the cache."""
    return hashlib.sha256(address.encode()).hexdigest()[:32]


def _network_of(address: str) -> str:
    """Of IPv6 the first 64 bits: the rest everybody chooses anew as often as they like."""
    try:
        known = ip_address(address)
    except ValueError:
        return address
    if isinstance(known, IPv6Address) and known.ipv4_mapped is None:
        return str(IPv6Network((known, 64), strict=False))
    return str(known)
