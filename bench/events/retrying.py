"""`python -m bench.events.retrying SLUG`: does what a person does with what went wrong.

Compares with n8n, as Celery's beat has it done every two minutes, and has every exception that is
open tried again. Prints what was found as one line of JSON: `{"types": {type: count}, "open": n}`.
"""

import json
import sys
from collections import Counter

import django

django.setup()

from controlplane.core.actor import Actor, ActorKind  # noqa: E402
from controlplane.events.exceptions.handling import retry_many  # noqa: E402
from controlplane.events.models import ExceptionCase  # noqa: E402
from controlplane.events.reconciling import reconcile  # noqa: E402
from tenants.context import inside  # noqa: E402
from tenants.lookup import tenant_by_slug  # noqa: E402

BY = Actor(ActorKind.SYSTEM, "bench", "Bench")


def main(slug: str) -> None:
    with inside(tenant_by_slug(slug)):
        while reconcile():
            pass
        waiting = ExceptionCase.objects.filter(status="open", delivery__isnull=False)
        ids = list(waiting.values_list("pk", flat=True))
        for start in range(0, len(ids), 100):
            retry_many(exception_ids=ids[start : start + 100], by=BY)
        types = Counter(ExceptionCase.objects.values_list("type", flat=True))
        unresolved = ExceptionCase.objects.unresolved().count()
    print(json.dumps({"types": dict(types), "open": unresolved}))


if __name__ == "__main__":
    main(sys.argv[1])
