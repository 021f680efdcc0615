"""`python -m bench.events.listening SLUG URL`: a workspace at URL that listens; prints its key."""

import sys
import uuid

import django

django.setup()

from controlplane.core.actor import Actor, ActorKind  # noqa: E402
from controlplane.events.models import Subscription  # noqa: E402
from controlplane.events.services import subscribe  # noqa: E402
from controlplane.instances.models import Workspace  # noqa: E402
from tenants.context import inside  # noqa: E402
from tenants.keys import issue_key  # noqa: E402
from tenants.lookup import tenant_by_slug  # noqa: E402


def main(slug: str, url: str) -> None:
    tenant = tenant_by_slug(slug)
    by = Actor(ActorKind.SYSTEM, "bench", "Bench")
    _row, key = issue_key(
        tenant=tenant, name="chaos", scopes=["events:subscribe", "audit:record"], by=by
    )
    with inside(tenant):
        Subscription.objects.all().delete()
        Workspace.objects.all().delete()
        Workspace.objects.create(
            instance_id=uuid.uuid4(), base_url=url, webhook_base_url=url, prefix="bench",
            member_email="bench@members.pergola.invalid", api_key="none",
        )  # fmt: skip
        subscribe(
            webhook_url=f"{url}/webhook/chaos", event_types=["order.created"], workflow_id="1",
            is_test=False, by=by,
        )  # fmt: skip
    print(key)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
