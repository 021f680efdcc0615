"""The admin in two halves: a platform's rows at /admin/, a tenant's at /t/<tenant>/admin/."""

import re
import uuid
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.contrib.messages.storage.cookie import CookieStorage
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from controlplane.core.admin import ReadOnlyModelAdmin, SharedModelAdmin, TenantModelAdmin
from controlplane.core.crypto import decrypt
from tenants.context import inside
from tenants.lookup import key_from_text
from tenants.models import ApiKey, FleetResult, FleetRun, Partner, Tenant
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


KEYS = "/admin/tenants/apikey/"


def key_form(tenant: Tenant) -> dict[str, Any]:
    return {"name": "ERP", "tenant": str(tenant.pk), "scopes": ["orders:review"]}


def keys_on(page: str) -> list[str]:
    return re.findall(r"pgl_live_[0-9a-f]{12}_[0-9a-f]{64}", page)


def test_a_key_is_shown_when_it_is_made_and_never_again(operator: Client, north: Tenant) -> None:
    made = operator.post(f"{KEYS}add/", key_form(north))

    (key,) = keys_on(operator.get(made["Location"]).content.decode())
    assert key_from_text(key).name == "ERP"
    for page in (made["Location"], KEYS):
        assert keys_on(operator.get(page).content.decode()) == []


def test_rotated_keys_are_shown_together(operator: Client, north: Tenant) -> None:
    old = [ApiKey.issue(tenant=north, name=name, scopes=[])[0] for name in ("ERP", "Shop")]
    chosen = {"action": "rotate", "_selected_action": [str(key.pk) for key in old]}

    shown = operator.post(KEYS, chosen, follow=True).content.decode()

    assert {key_from_text(key).name for key in keys_on(shown)} == {"ERP", "Shop"}
    assert keys_on(operator.get(KEYS).content.decode()) == []


def test_a_new_key_lies_nowhere_in_clear_on_its_way_to_the_page(
    operator: Client, north: Tenant
) -> None:
    made = operator.post(f"{KEYS}add/", key_form(north))

    kept = operator.session.load()
    secret = decrypt(kept["shown_once"]["secret"]).rpartition("_")[2]
    assert len(secret) == 64
    assert "pgl_" not in str(kept)
    assert secret not in str(kept)
    # The messages' cookie is only signed, and may be compressed.
    storage = CookieStorage(RequestFactory().get("/"))
    for cookie in operator.cookies.values():
        told = storage._decode(cookie.value) if cookie.key == "messages" else cookie.value
        assert secret not in str(told), cookie.key
    assert secret not in str(made.headers)


@pytest.mark.parametrize(
    ("field", "given", "said"),
    [
        ("expires_at", {"expires_at_0": "2020-01-01", "expires_at_1": "00:00"}, "have expired"),
        ("operations", {"operations": ["orders.explode"]}, "orders.explode"),
        ("scopes", {"scopes": ["orders:everything"]}, "orders:everything"),
        ("scopes", {"scopes": []}, "This field is required"),
        ("partner", {"partner": "stranger"}, "does not work for North"),
    ],
)
def test_terms_that_no_key_can_have_are_told_at_their_field(
    field: str, given: dict[str, Any], said: str, operator: Client, north: Tenant
) -> None:
    stranger = Partner.objects.create(slug="stranger", name="Stranger")
    given = {name: stranger.pk if text == "stranger" else text for name, text in given.items()}

    answer = operator.post(f"{KEYS}add/", {**key_form(north), **given})

    assert answer.status_code == 200
    assert said in str(answer.context["adminform"].form.errors[field])
    assert 'value="ERP"' in answer.content.decode()
    assert not ApiKey.objects.exists()


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
