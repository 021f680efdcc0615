"""The platform's host: intake, machines' API, health, and Django admin."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from controlplane.api import health, intake, metrics
from controlplane.portal.views import accounts, brand

# By the log-in of people, with their second factor and its limits.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

handler500 = "controlplane.portal.views.errors.failed"

urlpatterns = [
    path("", RedirectView.as_view(url="/admin/"), name="start"),
    path("admin/enter/", accounts.enter, name="admin-enter"),
    path("accounts/", include("controlplane.portal.account_urls")),
    path("admin/", admin.site.urls),
    path("api/platform/", include("controlplane.api.platform_urls")),
    path("api/", include("controlplane.api.urls")),
    path("in/<slug:tenant>/<slug:source>", intake.receive, name="intake"),
    # The error pages of this host wear Pergola's own colours.
    path("brand.css", brand.stylesheet),
    path("brand.svg", brand.mark),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
]
