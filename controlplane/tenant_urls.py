"""A tenant's host: the portal, and the same API for the members who are logged in."""

from django.urls import include, path

from controlplane.api import health

handler403 = "controlplane.portal.views.errors.forbidden"
handler404 = "controlplane.portal.views.errors.not_found"
handler500 = "controlplane.portal.views.errors.failed"

urlpatterns = [
    # Before the pages: machines call far more often than people, and each address is tried in turn.
    path("api/", include("controlplane.api.urls")),
    path("", include("controlplane.portal.urls")),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
