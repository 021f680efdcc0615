"""`python -m bench.events.listening SLUG URL`: a workspace at URL, nothing that waits; its key."""

import os
import sys
import uuid

import django

django.setup()

from controlplane.core.actor import Actor, ActorKind  # noqa: E402
from controlplane.events.models import (  # noqa: E402
    Delivery,
    Event,
    ExceptionCase,
    OutboxMessage,
    Subscription,
)
from controlplane.instances.models import Workspace  # noqa: E402
from tenants.context import inside  # noqa: E402
from tenants.keys import issue_key  # noqa: E402
from tenants.lookup import tenant_by_slug  # noqa: E402

SCOPES = ["events:subscribe", "audit:record"]


def main(slug: str, url: str) -> None:
    tenant = tenant_by_slug(slug)
    by = Actor(ActorKind.SYSTEM, "bench", "Bench")
    _row, key = issue_key(tenant=tenant, name="bench", scopes=SCOPES, by=by)
    OutboxMessage.objects.all().delete()
    with inside(tenant):
        # Events too: who begins to listen gets what came in lately and was delivered to nobody.
        for model in (ExceptionCase, Delivery, Event, Subscription, Workspace):
            model.objects.all().delete()
        Workspace.objects.create(
            instance_id=uuid.uuid4(), base_url=url, webhook_base_url=url, prefix="bench",
            member_email="bench@members.pergola.invalid", api_key=os.environ["N8N_API_KEY"],
        )  # fmt: skip
    print(key)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
