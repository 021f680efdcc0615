"""Pergola's settings, changed by what BENCH_DOOR names."""

import os

from controlplane.settings import *  # noqa: F403
from controlplane.settings import (
    DATABASES,
    INSTALLED_APPS,
    MACHINE_MIDDLEWARE,
    MIDDLEWARE,
    OWNER_DATABASE,
)

BENCH_DOOR = os.environ.get("BENCH_DOOR", "pergola")
BENCH_LIMITS = BENCH_DOOR == "plain with limits"
INSTALLED_APPS = [*INSTALLED_APPS, "bench.shop"]
ALLOWED_HOSTS = ["*"]

if BENCH_DOOR == "stock":
    # Connections are opened for each request, as Django does unless told otherwise, and every
    # cursor sets its search_path; the login owns the tables.
    DATABASES = {
        "default": {**OWNER_DATABASE, "ENGINE": "django_tenants.postgresql_backend"},
        "owner": DATABASES["owner"],
    }
    TENANT_LIMIT_SET_CALLS = False
    MIDDLEWARE = [
        "django_tenants.middleware.main.TenantMainMiddleware",
        *(name for name in MIDDLEWARE if name.startswith(("django.", "allauth."))),
    ]
    ROOT_URLCONF = "bench.shop.stock"
    REST_FRAMEWORK = {"UNAUTHENTICATED_USER": None}
elif BENCH_DOOR.startswith("plain"):
    DATABASES = {
        "default": {
            **OWNER_DATABASE,
            "ENGINE": "bench.shop.plain",
            "OPTIONS": {
                "options": "-c search_path=t_bench_0,public",
                "pool": {"min_size": 1, "max_size": 12},
            },
        },
        "owner": DATABASES["owner"],
    }
    # With the short chain too: the walls are what differs.
    MIDDLEWARE, MACHINE_MIDDLEWARE = (
        [
            "bench.shop.plain.middleware.PlainMiddleware"
            if name.endswith(".HostMiddleware")
            else name
            for name in chain
            if name.endswith(".HostMiddleware") or not name.startswith("tenants.")
        ]
        for chain in (MIDDLEWARE, MACHINE_MIDDLEWARE)
    )
