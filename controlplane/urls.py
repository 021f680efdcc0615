"""The platform's host: intake, machines' API, health, and Django admin."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from sesame.views import LoginView

from controlplane.api import health, intake
from controlplane.portal.views import brand

urlpatterns = [
    path("", RedirectView.as_view(url="/admin/"), name="start"),
    path("admin/enter/", LoginView.as_view(next_page="/admin/"), name="admin-enter"),
    path("admin/", admin.site.urls),
    path("api/", include("controlplane.api.urls")),
    path("in/<slug:tenant>/<slug:source>", intake.receive, name="intake"),
    # The error pages of this host wear Pergola's own colours.
    path("brand.css", brand.stylesheet),
    path("brand.svg", brand.mark),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
