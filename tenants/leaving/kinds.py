"""What there is of a tenant, kind by kind: how it is counted, and how it is removed."""

from collections.abc import Callable
from dataclasses import dataclass

from tenants.models import Tenant


@dataclass(frozen=True)
class Kind:
    """`count(tenant)` reads what is there now; `remove(tenant)` may be repeated.

    Both run in the shared schema and enter the tenant themselves. What `remove` leaves behind is
    found by counting again, so `count` asks whoever keeps the things, not a note of ours.
    """

    name: str
    count: Callable[[Tenant], int]
    remove: Callable[[Tenant], object]


_registered: list[tuple[Kind, ...]] = []


def register_removal(*kinds: Kind) -> None:
    """From AppConfig.ready: one app's kinds, in the order in which they have to go."""
    _registered.append(kinds)


def kinds() -> list[Kind]:
    """What stands on higher floors first, since it needs what is below; the schema last."""
    from tenants.leaving.own import OWN

    return [kind for group in (*reversed(_registered), OWN) for kind in group]
