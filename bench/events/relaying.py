"""`python -m bench.events.relaying SLUG COUNT`: the relay into a null sink, as one line of JSON."""

import json
import sys
import threading
import time
import uuid

import django

django.setup()

from django.db import connection  # noqa: E402

from controlplane.events import outbox  # noqa: E402
from controlplane.events.management.commands.relay import relay  # noqa: E402
from tenants.context import inside  # noqa: E402
from tenants.lookup import tenant_by_slug  # noqa: E402

SINGLE = 200
arrived: dict[uuid.UUID, float] = {}


def main(slug: str, count: int) -> None:
    outbox.register("bench.note", lambda reference: arrived.__setitem__(reference, time.time()))
    outbox.register("bench.null", lambda reference: None)
    tenant = tenant_by_slug(slug)
    print(
        json.dumps(
            {"milliseconds": _latencies(tenant), "drained_per_second": _drain(tenant, count)}
        )
    )


def _latencies(tenant: object) -> list[float]:
    """From before the message is written to the beginning of its handler, one at a time."""
    stop, taken = threading.Event(), []
    thread = threading.Thread(target=relay, kwargs={"stop": stop})
    thread.start()
    time.sleep(1)
    for _number in range(SINGLE):
        reference = uuid.uuid4()
        with inside(tenant):  # type: ignore[arg-type]
            began = time.time()
            outbox.put("bench.note", reference)
        while reference not in arrived:
            time.sleep(0.0005)
        taken.append((arrived[reference] - began) * 1000)
        time.sleep(0.01)
    stop.set()
    thread.join(timeout=30)
    return taken


def _drain(tenant: object, count: int) -> float:
    """Messages a second of a backlog of one tenant."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO events_outboxmessage (id, created_at, updated_at, schema_name, handler,"
            " reference, due_at, attempts, last_error) SELECT gen_random_uuid(), now(), now(), %s,"
            " 'bench.null', gen_random_uuid(), now(), 0, '' FROM generate_series(1, %s)",
            [tenant.schema_name, count],  # type: ignore[attr-defined]
        )
    began = time.perf_counter()
    relay(stop=threading.Event(), drain=True)
    return count / (time.perf_counter() - began)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
