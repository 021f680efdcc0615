"""The platform's host: intake, machines' API, health, and Django admin."""

from django.contrib import admin
from django.urls import include, path
from sesame.views import LoginView

from controlplane.api import health, intake

urlpatterns = [
    path("admin/enter/", LoginView.as_view(next_page="/admin/"), name="admin-enter"),
    path("admin/", admin.site.urls),
    path("api/", include("controlplane.api.urls")),
    path("in/<slug:tenant>/<slug:source>", intake.receive, name="intake"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
