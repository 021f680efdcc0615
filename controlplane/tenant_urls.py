"""A tenant's host: the portal, and the same API for the members who are logged in."""

from django.urls import include, path

from controlplane.api import health

urlpatterns = [
    path("", include("controlplane.portal.urls")),
    path("api/", include("controlplane.api.urls")),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
