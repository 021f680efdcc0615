"""The admin in two halves: a platform's rows at /admin/, a tenant's at /t/<tenant>/admin/."""

import uuid
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from controlplane.core.admin import ReadOnlyModelAdmin, SharedModelAdmin, TenantModelAdmin
from tenants.context import inside
from tenants.models import FleetResult, FleetRun, Tenant
from tests.factories.approvals import make_approval, make_order
from tests.factories.events import make_event, make_workspace
from tests.factories.installations import make_installation, make_release
from tests.factories.support_access import make_entry

ADMINS = admin.site._registry.items()
OF_TENANT = [model for model, found in ADMINS if isinstance(found, TenantModelAdmin)]
SHARED = [model for model, found in ADMINS if isinstance(found, SharedModelAdmin)]
IN_BOTH = [model for model, found in ADMINS if isinstance(found, ReadOnlyModelAdmin)]


def label(model: Any) -> str:
    return f"{model._meta.app_label}/{model._meta.model_name}"


@pytest.fixture
def operator(north: Tenant, south: Tenant) -> Client:
    """A platform admin who has asked for access to both tenants."""
    user = User.objects.create_superuser("root", "root@example.com", "pw")
    make_entry(user, north)
    make_entry(user, south)
    client = Client(headers={"host": "localhost"})
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def furnished(north: Tenant, tmp_path: Any) -> Tenant:
    """North with a row of about every kind, so that lists show some."""
    release = make_release(tmp_path)
    with inside(north):
        make_workspace()
        make_event(number=900)
        make_approval(make_order())
        make_installation(release)
    return north


def test_every_model_says_whose_rows_it_has() -> None:
    assert {model for model, _found in ADMINS} == {*OF_TENANT, *SHARED, *IN_BOTH}


def test_the_front_pages_open(operator: Client, furnished: Tenant) -> None:
    assert operator.get("/admin/").status_code == 200
    page = operator.get("/t/north/admin/", follow=True).content.decode()
    assert "/t/north/admin/orders/order/" in page
    assert "tenants/apikey" not in page


@pytest.mark.parametrize("model", OF_TENANT, ids=label)
def test_a_tenants_rows_are_shown_under_the_tenant_alone(
    model: Any, operator: Client, furnished: Tenant, south: Tenant
) -> None:
    with inside(furnished):
        row = model._default_manager.first()
    page = f"admin/{label(model)}/"

    listed = operator.get(f"/t/north/{page}")
    assert listed.status_code == 200
    if row is not None and isinstance(row.pk, uuid.UUID):
        assert str(row.pk) in listed.content.decode()
        assert operator.get(f"/t/north/{page}{row.pk}/change/").status_code == 200
        assert str(row.pk) not in operator.get(f"/t/south/{page}").content.decode()
        assert operator.get(f"/t/south/{page}{row.pk}/change/").status_code == 302
    assert operator.get(f"/t/north/{page}?q=a").status_code == 200
    for path in (f"/{page}", f"/{page}add/", f"/{page}{'0' * 8}/change/"):
        assert operator.get(path).status_code in {302, 403, 404}, path


@pytest.mark.parametrize("model", SHARED, ids=label)
def test_shared_rows_are_shown_to_the_platform_alone(
    model: Any, operator: Client, furnished: Tenant
) -> None:
    page = f"admin/{label(model)}/"

    assert operator.get(f"/{page}").status_code == 200
    assert operator.get(f"/{page}?q=a").status_code == 200
    assert operator.get(f"/t/north/{page}").status_code in {403, 404}
    assert operator.get(f"/t/north/{page}add/").status_code in {403, 404}


@pytest.mark.parametrize("model", IN_BOTH, ids=label)
def test_a_table_that_stands_in_both_shows_the_rows_of_where_one_is(
    model: Any, operator: Client, furnished: Tenant
) -> None:
    for prefix in ("", "/t/north"):
        assert operator.get(f"{prefix}/admin/{label(model)}/").status_code == 200
        assert operator.get(f"{prefix}/admin/{label(model)}/?q=a").status_code == 200
        assert operator.get(f"{prefix}/admin/{label(model)}/add/").status_code == 403


@pytest.mark.parametrize("path", ["/t/north/admin/", "/t/north/admin/orders/order/"])
def test_a_tenants_admin_is_for_platform_admins(path: str, furnished: Tenant) -> None:
    staff = User.objects.create_user("staff", "staff@example.com", "pw", is_staff=True)
    client = Client(headers={"host": "localhost"})
    assert client.get(path)["Location"].startswith("/admin/login/")
    client.force_login(staff, "django.contrib.auth.backends.ModelBackend")

    assert client.get(path).status_code == 404


def test_a_tenants_host_has_no_admin(operator: Client, furnished: Tenant) -> None:
    operator.defaults["HTTP_HOST"] = furnished.host

    assert operator.get("/admin/").status_code == 404
    assert operator.get("/t/north/admin/").status_code == 404


def test_no_admin_of_a_tenant_that_does_not_exist(operator: Client) -> None:
    assert operator.get("/t/nowhere/admin/").json()["code"] == "tenant_unknown"


def test_secrets_are_on_no_page(operator: Client, furnished: Tenant) -> None:
    from controlplane.events.models import Source
    from controlplane.instances.models import Workspace

    with inside(furnished):
        pages = [
            f"/t/north/admin/{label(type(row))}/{row.pk}/change/"
            for row in (Source.objects.get(), Workspace.objects.get())
        ]
    for path in pages:
        shown = operator.get(path).content.decode()
        assert "hush" not in shown
        assert "n8n-key" not in shown


def test_a_key_is_shown_when_it_is_made_and_never_again(operator: Client, north: Tenant) -> None:
    answer = operator.post(
        "/admin/tenants/apikey/add/",
        {"name": "ERP", "tenant": str(north.pk), "scopes": "orders:review"},
        follow=True,
    )
    shown = answer.content.decode()

    assert "pgl_" in shown
    key = shown.split("pgl_")[1][:77]
    assert f"pgl_{key}" not in operator.get("/admin/tenants/apikey/").content.decode()


def test_runs_of_the_fleet_are_to_be_looked_at_only(
    operator: Client, north: Tenant, south: Tenant
) -> None:
    run = FleetRun.objects.create(
        started_at=timezone.now(), fingerprint="f", shared_rights="r", release="0.2.0", failed=1
    )
    FleetResult.objects.create(run=run, tenant=south, seconds=0.1)
    failed = FleetResult.objects.create(run=run, tenant=north, seconds=0.1, error="locked by Ada")

    runs = operator.get("/admin/tenants/fleetrun/").content.decode()
    results = operator.get("/admin/tenants/fleetresult/?error__isempty=0").content.decode()

    assert "Some failed" in runs
    assert "locked by Ada" in results
    assert "Migrated" not in results
    for row in (run, failed):
        address = f"/admin/tenants/{row._meta.model_name}/"
        assert operator.get(f"{address}{row.pk}/change/").status_code == 200
        assert operator.get(f"{address}add/").status_code == 403
        assert operator.post(f"{address}{row.pk}/change/", {"error": ""}).status_code == 403
        assert operator.post(f"{address}{row.pk}/delete/", {"post": "yes"}).status_code == 403


def test_the_list_of_results_asks_as_many_queries_for_many(
    operator: Client, north: Tenant, south: Tenant
) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert operator.get("/admin/tenants/fleetresult/").status_code == 200
        return len(asked)

    run = FleetRun.objects.create(
        started_at=timezone.now(), fingerprint="f", shared_rights="r", release="0.2.0"
    )
    FleetResult.objects.create(run=run, tenant=north, seconds=0.1)
    queries()
    one = queries()
    FleetResult.objects.create(run=run, tenant=south, seconds=0.1)

    assert queries() == one
