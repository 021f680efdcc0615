"""`python -m bench.shop.prepare COUNT`: tenants with a key each, as lines of JSON."""

import json
import sys

import django

django.setup()

from controlplane.core.actor import system  # noqa: E402
from tenants.keys import issue_key  # noqa: E402
from tenants.limits.plans import Resource  # noqa: E402
from tenants.models import Partner, Quota  # noqa: E402
from tenants.provisioning import provision_tenant, start_tenant  # noqa: E402


def main(count: int) -> None:
    partner, _new = Partner.objects.get_or_create(slug="bench", defaults={"name": "Bench"})
    for number in range(count):
        tenant = start_tenant(slug=f"bench-{number}", name=f"Bench {number}", partner=partner)
        provision_tenant(tenant, by=system("bench"))
        Quota.objects.update_or_create(
            tenant=tenant, resource=Resource.REQUESTS, defaults={"amount": 10**9}
        )
        key = issue_key(tenant=tenant, name="bench", scopes=["orders:review"])
        print(json.dumps({"host": tenant.host, "key": key, "slug": tenant.slug}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
