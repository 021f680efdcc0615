"""Every view of both admins × everybody who must not get in × a row of another tenant."""

import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.db import transaction
from django.urls import URLPattern

from controlplane.core.admin import ReadOnlyModelAdmin, SharedModelAdmin, TenantModelAdmin
from tenants.context import inside
from tests.integration.isolation.callers import Callers
from tests.integration.isolation.cells import Cells
from tests.integration.isolation.world import World

METHODS = ("GET", "POST")
REGISTERED = admin.site._registry
# Views of the site itself; a model's own are found by its admin.
SITE = {
    "", "login/", "logout/", "password_change/", "password_change/done/", "autocomplete/",
    "jsi18n/", "search/", "r/<path:content_type_id>/<path:object_id>/", "(?P<url>.*)$",
}  # fmt: skip


@dataclass(frozen=True)
class View:
    model: Any
    route: str

    @property
    def label(self) -> str:
        return f"{self.model._meta.app_label}/{self.model._meta.model_name}"

    @property
    def names_a_row(self) -> bool:
        return "<" in self.route

    def path(self, key: Any) -> str:
        return f"admin/{self.label}/" + re.sub(r"<[^>]+>", str(key), self.route)

    def __str__(self) -> str:
        return f"{self.label}/{self.route}"


def _routes(model: Any) -> Iterator[View]:
    for pattern in REGISTERED[model].get_urls():
        if isinstance(pattern, URLPattern):
            route = str(pattern.pattern)
            # Regular expressions come from libraries; what they name is a row here too.
            yield View(model, re.sub(r"\(\?P<\w+>[^)]*\)|[\^$]", "", route) or route.strip("^$"))


def views(kind: type) -> list[View]:
    return [
        view
        for model, found in REGISTERED.items()
        if isinstance(found, kind)
        for view in _routes(model)
    ]


# The audit trail stands in both halves, each time another one.
BOTH = views(ReadOnlyModelAdmin)
OF_TENANTS, SHARED = [*views(TenantModelAdmin), *BOTH], views(SharedModelAdmin)


def row_of(view: View, world: World) -> Any:
    """A row of the tenant's, or of the shared table; else a key that is nobody's."""
    manager = view.model._default_manager
    if isinstance(REGISTERED[view.model], SharedModelAdmin):
        found = manager.first()
    else:
        with inside(world.tenant):
            found = manager.first()
    return found.pk if found else uuid.uuid4()


def try_view(
    cells: Cells, world: World, path: str, given: str, who: Any, host: str, allowed: set[int]
) -> None:
    with transaction.atomic():
        for method in METHODS:
            response = who.client(host).generic(method, path)
            shown = response.getvalue().decode(errors="replace")
            wrong = world.told_in(shown, given=given)
            if response.status_code not in allowed:
                wrong.append(f"it answers {response.status_code}")
            cells.refused(f"{method} {path} by {who.name} on {host}", *wrong)


@pytest.mark.parametrize("view", OF_TENANTS, ids=str)
def test_a_tenants_row_is_shown_by_its_own_admin_to_a_platform_admin_only(
    view: View, world: World, callers: Callers
) -> None:
    cells, key = Cells("admin"), row_of(view, world)
    path = view.path(key)
    # With every permission there is, and still no superuser.
    staff = User.objects.get(username="staff")
    staff.user_permissions.set(Permission.objects.all())
    for who in callers.foreign:
        if who.name not in {"root", "helper"} and (who.leads or who.name == "staff"):
            denied = {404} if who.way == "session" else {302}
            try_view(cells, world, f"/t/north/{path}", path, who, "localhost", denied)
    for who in (callers.manager, callers.staff):
        try_view(cells, world, f"/t/north/{path}", path, who, "localhost", {404})
    # A superuser without support access is asked for a reason first.
    try_view(cells, world, f"/t/north/{path}", path, callers.root, "localhost", {302})
    # With it: in the wrong half, in another tenant's, and on a tenant's own host.
    root = callers.helper
    wrong_half = {302, 403, 404} | ({200} if view in BOTH else set())
    try_view(cells, world, f"/{path}", path, root, "localhost", wrong_half)
    # A number names another row there; a UUID names none.
    is_nowhere = view.names_a_row and isinstance(key, uuid.UUID)
    elsewhere = {302, 403, 404} if is_nowhere else {200, 302, 403, 404}
    try_view(cells, world, f"/t/south/{path}", path, root, "localhost", elsewhere)
    for host in (world.tenant.host, callers.neighbour.host):
        try_view(cells, world, f"/t/north/{path}", path, root, host, {404})
    if world.has_changed:
        cells.refused(str(view), "something of the tenant changed")
    cells.assert_no_leak()


@pytest.mark.parametrize("view", SHARED, ids=str)
def test_shared_rows_are_shown_to_nobody_of_a_tenant_and_in_no_tenants_admin(
    view: View, world: World, callers: Callers
) -> None:
    cells, path = Cells("admin"), view.path(row_of(view, world))
    leading = [who for who in callers.foreign if who.leads]
    for who in (*leading, callers.manager, callers.machine):
        try_view(cells, world, f"/{path}", path, who, "localhost", {302})
    try_view(cells, world, f"/t/north/{path}", path, callers.helper, "localhost", {302, 403, 404})
    try_view(cells, world, f"/{path}", path, callers.root, world.tenant.host, {404})
    if world.has_changed:
        cells.refused(str(view), "something of the tenant changed")
    cells.assert_no_leak()


@pytest.mark.parametrize(
    "model", [model for model, found in REGISTERED.items()], ids=lambda m: m._meta.label
)
def test_a_list_opens_in_its_own_half(model: Any, world: World, callers: Callers) -> None:
    half = "" if isinstance(REGISTERED[model], SharedModelAdmin) else "t/north/"
    path = f"/{half}admin/{model._meta.app_label}/{model._meta.model_name}/"

    assert callers.helper.client("localhost").get(path).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/t/north/admin/../../t/south/admin/orders/order/", "/t/north/admin//",
        "/t/north/admin/%2e%2e/%2e%2e/healthz", "/t/north/../south/admin/", "/t//admin/",
        "/t/North/admin/", "/t/north%00/admin/", "/t/north/admin/enter/", "/t/north/admin/login/",
        "/t/north/admin/autocomplete/", "/t/north/admin/r/1/1/", "/t/north/admin/jsi18n/",
        "/t/north/admin/password_change/", "/t/north/admin/search/?s=a&extended=1",
        "/admin/search/?s=a&extended=1", "/t/north/admin/nothing/", "/t/north/admin",
        "/t/t_north/admin/", "/t/public/admin/", "/T/north/admin/",
    ],
)  # fmt: skip
def test_tricks_with_the_path_open_nothing(path: str, world: World, callers: Callers) -> None:
    cells = Cells("admin")
    refused = {301, 302, 400, 403, 404}
    for who in callers.foreign:
        if who.leads or who.name in {"staff", "root", "helper"}:
            is_shown = who.name == "helper" or (
                who.name in {"staff", "root"} and path.startswith("/admin/")
            )
            allowed = refused | {200, 405} if is_shown else refused
            try_view(cells, world, path, path, who, "localhost", allowed)
    cells.assert_no_leak()


def test_every_registered_model_says_whose_rows_it_has() -> None:
    known = {view.model for view in (*OF_TENANTS, *SHARED)}

    assert set(REGISTERED) - known == set(), (
        "derive its admin from TenantModelAdmin or SharedModelAdmin (controlplane.core.admin)"
    )


def test_the_site_has_no_views_of_its_own_that_are_not_tried() -> None:
    models = {f"{m._meta.app_label}/{m._meta.model_name}/" for m in REGISTERED}
    found = {str(pattern.pattern) for pattern in admin.site.get_urls()}
    own = {route for route in found if route not in models and not route.startswith("^(?P")}

    assert own <= SITE, "try them in test_tricks_with_the_path_open_nothing and name them in SITE"
