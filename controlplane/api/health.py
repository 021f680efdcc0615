"""`/healthz`: the process answers. `/readyz`: it can do its work."""

import redis
from django.conf import settings
from django.db import DatabaseError, ProgrammingError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from tenants.fingerprint import known_migrations


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """503 with the part that is missing, so that a balancer sends nobody here."""
    checks = {"database": _database(), "redis": _redis()}
    is_ready = all(state == "ok" for state in checks.values())
    return JsonResponse(
        {"status": "ok" if is_ready else "unavailable", "checks": checks},
        status=200 if is_ready else 503,
    )


def _database() -> str:
    """Of the shared schema only: while tenants are migrated, the others must be served."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT app || '.' || name FROM public.django_migrations")
            applied = {row[0] for row in cursor.fetchall()}
    except ProgrammingError:  # no such table yet
        applied = set()
    except DatabaseError as error:
        return f"unreachable: {type(error).__name__}"
    # More than this code knows is well: the release before goes on beside the next.
    if not known_migrations() <= applied:
        return "migrations are missing: run manage.py migrate_fleet"
    return "ok"


def _redis() -> str:
    try:
        client = redis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2
        )
        client.ping()
    except redis.RedisError as error:
        return f"unreachable: {type(error).__name__}"
    return "ok"
