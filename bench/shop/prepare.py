"""`python -m bench.shop.prepare COUNT [--sources]`: tenants with a key each, as lines of JSON.

With `--sources` each has a shop too, and the secret that it signs with.
"""

import json
import sys

import django

django.setup()

from controlplane.core.actor import system  # noqa: E402
from controlplane.events.services import create_source  # noqa: E402
from tenants.context import inside  # noqa: E402
from tenants.keys import issue_key  # noqa: E402
from tenants.limits.plans import Resource  # noqa: E402
from tenants.models import Partner, Quota  # noqa: E402
from tenants.provisioning import provision_tenant, start_tenant  # noqa: E402
from tenants.provisioning.blueprint import renew_blueprint  # noqa: E402

BY = system("bench")


def main(count: int, *, with_sources: bool) -> None:
    renew_blueprint()
    partner, _new = Partner.objects.get_or_create(slug="bench", defaults={"name": "Bench"})
    for number in range(count):
        tenant = start_tenant(slug=f"bench-{number}", name=f"Bench {number}", partner=partner)
        provision_tenant(tenant, by=BY)
        Quota.objects.update_or_create(
            tenant=tenant, resource=Resource.REQUESTS, defaults={"amount": 10**9}
        )
        _row, key = issue_key(
            tenant=tenant, name="bench", scopes=["orders:review", "orders:record"], by=BY
        )
        made = {"host": tenant.host, "key": key, "slug": tenant.slug}
        if with_sources:
            with inside(tenant):
                source, _new = create_source(slug="shop", name="Shop", kind="shopify", by=BY)
                made["secret"] = source.secret
        print(json.dumps(made), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), with_sources="--sources" in sys.argv)
