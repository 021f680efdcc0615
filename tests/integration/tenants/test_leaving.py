"""A tenant's way out: what it takes with it, what is removed, and that the certificate is true."""

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import connections

from controlplane.audit.models import Entry
from controlplane.audit.services import verify_chain
from controlplane.catalog.models import Installation
from controlplane.core.actor import system
from controlplane.core.errors import DomainError
from controlplane.core.models import new_id
from controlplane.events import outbox
from controlplane.events.models import OutboxMessage, Source
from controlplane.events.services import create_source
from controlplane.instances.models import Instance, Workspace
from controlplane.orders.models import Order
from tenants import files, lookup
from tenants.context import inside
from tenants.leaving import kinds as registered
from tenants.leaving import leave_tenant, removal, remove_tenant, return_tenant
from tenants.leaving.certificate import CertificateInvalid, verify
from tenants.leaving.departure import CannotReturn
from tenants.leaving.kinds import Kind
from tenants.leaving.removal import ExportMissing, GraceNotOver, NotLeaving, RemovalIncomplete
from tenants.models import ApiKey, Departure, Member, Partner, Tenant
from tenants.provisioning import FirstKey, create_tenant, provision_tenant, start_tenant
from tenants.provisioning.schemas import schema_exists
from tests.fakes.n8n import FakeN8n

BY = system("test")


@pytest.fixture
def exports(tmp_path: Path, settings: Any) -> Path:
    settings.EXPORTS_ROOT = tmp_path / "exports"
    settings.FILES_ROOT = tmp_path / "files"
    return tmp_path / "exports"


@pytest.fixture
def tenant(new_slug: Callable[[], str], partner: Partner, exports: Path) -> Iterator[Tenant]:
    """With something of every kind, and with a secret that may not get out."""
    created = create_tenant(
        slug=new_slug(), name="Nordwind", partner=partner, by=BY, first_key=FirstKey("ERP", ())
    )
    tenant = provision_tenant(created.tenant, by=BY)
    with inside(tenant):
        _source, secret = create_source(slug="shop", name="Shop", kind="shopify", by=BY)
        assert secret
        kept = files.store([b"a price list, with \x00 in it"], limit=100)
        cache.set("asked", "today", 300)
        outbox.put("events.deliver", new_id())
    tenant.source_secret, tenant.file = secret, kept.sha256
    yield tenant
    Departure.objects.filter(tenant_id=tenant.pk).delete()


@pytest.fixture
def in_n8n(tenant: Tenant, n8n: FakeN8n) -> Iterator[FakeN8n]:
    """With workflows, executions and a credential on an n8n that was brought."""
    instance = Instance.objects.create(
        name=tenant.slug, base_url=n8n.url, shape="brought", tenant=tenant, owner_key="owner-key"
    )
    provision_tenant(tenant, by=BY)
    with inside(tenant):
        workspace = Workspace.current()
        Installation.objects.create(
            template_slug="review-order",
            template_title="Review orders",
            release_id=new_id(),
            release_version="1.0.0",
            credential_id="cred-of-ours",
            installed_by="test",
        )
    n8n.credentials = {name: {"id": name} for name in ("cred-of-ours", "cred-of-another")}
    n8n.workflows["mine"] = workflow("mine", workspace.tag)
    n8n.workflows["theirs"] = workflow("theirs", "pergola:another")
    n8n.executions = {"1": "success", "2": "running", "3": "waiting", "4": "error"}
    n8n.runs_of = {"1": "mine", "2": "mine", "3": "mine", "4": "theirs"}
    yield n8n
    Instance.objects.filter(pk=instance.pk).delete()


def workflow(name: str, tag: str) -> dict[str, Any]:
    return {
        "id": name, "name": name, "active": True, "nodes": [], "connections": {},
        "tags": [{"id": tag, "name": tag}],
    }  # fmt: skip


def test_its_doors_are_closed_and_it_can_come_back(tenant: Tenant) -> None:
    departure = leave_tenant(tenant=tenant, by=BY, reason="sold")

    with pytest.raises(lookup.TenantUnknown):
        lookup.tenant_by_slug(tenant.slug)
    assert (departure.left_by, departure.reason) == (BY.label, "sold")
    assert (departure.remove_after - departure.left_at).days == 30
    with pytest.raises(GraceNotOver):
        remove_tenant(slug=tenant.slug, by=BY)
    assert leave_tenant(tenant=tenant, by=BY, reason="again") == departure

    return_tenant(tenant=tenant, by=BY)

    assert lookup.tenant_by_slug(tenant.slug) == tenant
    with inside(tenant):
        told = [entry.action for entry in Entry.objects.order_by("-sequence")[:2]]
        assert verify_chain().broken_at is None
        assert Source.objects.get().secret == tenant.source_secret
    assert told == ["tenant.returned", "tenant.left"]
    with pytest.raises(CannotReturn):
        return_tenant(tenant=tenant, by=BY)
    with pytest.raises(NotLeaving):
        remove_tenant(slug=tenant.slug, now=True, by=BY)


def test_the_archive_has_everything_but_secrets(tenant: Tenant, exports: Path) -> None:
    departure = leave_tenant(tenant=tenant, by=BY, reason="sold")

    path = exports / departure.export_name
    raw = path.read_bytes()
    assert hashlib.sha256(raw).hexdigest() == departure.export_sha256
    assert path.stat().st_mode & 0o077 == 0
    assert [p.name for p in exports.iterdir()] == [path.name], "no draft is left"
    with zipfile.ZipFile(path) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        for name, digest in manifest["sha256"].items():
            assert hashlib.sha256(archive.read(name)).hexdigest() == digest
        with connections["owner"].cursor() as cursor:
            cursor.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = %s", [tenant.schema_name]
            )
            assert set(manifest["rows"]) == {row[0] for row in cursor.fetchall()}
        trail = list(csv.DictReader(io.StringIO(archive.read("tables/audit_entry.csv").decode())))
        assert len(trail) == manifest["rows"]["audit_entry"]
        assert trail[-1]["action"] == "tenant.left"
        file = next(name for name in manifest["sha256"] if name.startswith("files/"))
        assert archive.read(file) == b"a price list, with \x00 in it"
        (source,) = csv.DictReader(io.StringIO(archive.read("tables/events_source.csv").decode()))
        assert (source["slug"], "secret" in source) == ("shop", False)
        assert manifest["left_out"]["events_source"] == ["previous_secret", "secret"]
        unpacked = b"".join(archive.read(name) for name in archive.namelist())
    assert tenant.source_secret.encode() not in unpacked
    assert b"gAAAA" not in unpacked, "nor as it is kept"


def test_the_archive_has_its_workflows_before_they_are_removed(
    tenant: Tenant, in_n8n: FakeN8n, exports: Path
) -> None:
    with inside(tenant):
        Workspace.objects.update(base_url="http://127.0.0.1:9")
    with pytest.raises(DomainError):
        leave_tenant(tenant=tenant, by=BY, reason="sold")
    assert list(exports.iterdir()) == [], "one without them would be taken for whole"
    with pytest.raises(ExportMissing):
        remove_tenant(slug=tenant.slug, now=True, by=BY)
    with inside(tenant):
        Workspace.objects.update(base_url=in_n8n.url)

    departure = leave_tenant(tenant=tenant, by=BY, reason="sold")
    remove_tenant(slug=tenant.slug, now=True, by=BY)

    assert set(in_n8n.workflows) == {"theirs"}
    with zipfile.ZipFile(exports / departure.export_name) as archive:
        names = [name for name in archive.namelist() if name.startswith("extra/")]
        assert names == ["extra/n8n/mine.json"]
        assert json.loads(archive.read(names[0]))["name"] == "mine"
        manifest = json.loads(archive.read("manifest.json"))
        assert manifest["outside"] == {"n8n": 1}
        assert names[0] in manifest["sha256"]
        assert not [name for name in archive.namelist() if "cred-of" in name]


def test_all_is_removed_and_the_certificate_says_so(tenant: Tenant, in_n8n: FakeN8n) -> None:
    leave_tenant(tenant=tenant, by=BY, reason="sold")
    with inside(tenant):
        folder = files._folder()
        assert cache.get("asked") == "today"

    departure = remove_tenant(slug=tenant.slug, now=True, by=BY)

    assert not Tenant.objects.filter(pk=tenant.pk).exists()
    assert not schema_exists(tenant.schema_name)
    assert not ApiKey.objects.filter(tenant_id=tenant.pk).exists()
    assert not OutboxMessage.objects.filter(schema_name=tenant.schema_name).exists()
    assert not folder.exists()
    assert set(in_n8n.workflows) == {"theirs"}
    assert in_n8n.executions == {"4": "error"}
    assert set(in_n8n.credentials) == {"cred-of-another"}
    stopped = {call.path.split("/")[-2] for call in in_n8n.called("POST", "/stop$")}
    assert stopped == {"2", "3"}, "what had ended needs no stopping"
    found = {row["kind"]: row["found"] for row in departure.removed}
    assert found["n8n executions"] == 3
    assert found["n8n workflows"] == 1
    assert found["n8n credentials"] == 1
    assert found["registered n8n servers"] == 1
    assert found["API keys"] == 1
    assert found["files"] == 1
    assert found["cached values"] >= 1
    assert found["outbox messages"] == 1
    assert found["schema and tables"] > 30
    assert found["database roles"] == 1
    assert {row["left"] for row in departure.removed} == {0}
    assert [row["found"] for row in departure.removed] == [
        row["removed"] for row in departure.removed
    ]
    assert set(found) == {kind.name for kind in registered.kinds()}

    content = verify(departure.certificate)
    assert content["tenant"]["slug"] == tenant.slug
    assert content["export"]["sha256"] == departure.export_sha256
    assert content["removed"] == departure.removed
    told = Entry.objects.get(action="tenant.removed", subject_id=str(tenant.pk))
    assert told.data["signature"] == departure.certificate["signature"]


@pytest.mark.parametrize("number", range(len(registered.kinds())))
def test_a_removal_that_is_cut_off_goes_on(
    tenant: Tenant, in_n8n: FakeN8n, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave_tenant(tenant=tenant, by=BY, reason="sold")
    whole = {kind.name: kind.count(tenant) for kind in registered.kinds()}
    cut = registered.kinds()[number]

    class Crash(BaseException):
        pass

    def remove_and_crash(leaving: Tenant) -> None:
        cut.remove(leaving)
        raise Crash

    crashing = [
        Kind(kind.name, kind.count, remove_and_crash if kind == cut else kind.remove)
        for kind in registered.kinds()
    ]
    with monkeypatch.context() as patch:
        patch.setattr(removal, "kinds", lambda: crashing)
        with pytest.raises(Crash):
            remove_tenant(slug=tenant.slug, now=True, by=BY)
    connections.close_all()
    with pytest.raises(CannotReturn):
        return_tenant(tenant=tenant, by=BY)

    departure = remove_tenant(slug=tenant.slug, by=BY)

    assert {row["kind"]: row["found"] for row in departure.removed} == whole
    assert not schema_exists(tenant.schema_name)
    assert verify(departure.certificate)


def test_what_stays_behind_is_no_success(
    tenant: Tenant, in_n8n: FakeN8n, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An n8n that says yes and keeps the execution is found out by reading back."""
    monkeypatch.setattr("controlplane.instances.removal.PAUSE_SECONDS", 0)
    leave_tenant(tenant=tenant, by=BY, reason="sold")
    in_n8n.keeps = {"1"}

    with pytest.raises(RemovalIncomplete, match="1 of 3 n8n executions"):
        remove_tenant(slug=tenant.slug, now=True, by=BY)
    assert schema_exists(tenant.schema_name)

    in_n8n.keeps = set()
    departure = remove_tenant(slug=tenant.slug, by=BY)
    (executions,) = (row for row in departure.removed if row["kind"] == "n8n executions")
    assert executions == {"kind": "n8n executions", "found": 3, "removed": 3, "left": 0}


@pytest.mark.parametrize("damage", ["gone", "changed"])
def test_without_the_archive_nothing_is_removed(tenant: Tenant, exports: Path, damage: str) -> None:
    departure = leave_tenant(tenant=tenant, by=BY, reason="sold")
    path = exports / departure.export_name
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1])

    with pytest.raises(ExportMissing):
        remove_tenant(slug=tenant.slug, now=True, by=BY)

    assert schema_exists(tenant.schema_name)
    return_tenant(tenant=tenant, by=BY)
    assert lookup.tenant_by_slug(tenant.slug) == tenant


def test_an_export_that_fails_can_be_made_again(
    tenant: Tenant, exports: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("tenants.leaving.export._shared", lambda tenant: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            leave_tenant(tenant=tenant, by=BY, reason="sold")
    assert list(exports.iterdir()) == []
    with pytest.raises(lookup.TenantUnknown):
        lookup.tenant_by_slug(tenant.slug)
    with pytest.raises(ExportMissing):
        remove_tenant(slug=tenant.slug, now=True, by=BY)

    assert leave_tenant(tenant=tenant, by=BY, reason="sold").export_sha256


def test_its_sandbox_goes_with_it_and_before_it(
    tenant: Tenant, new_slug: Callable[[], str]
) -> None:
    sandbox = provision_tenant(
        start_tenant(slug=f"{tenant.slug}-sandbox", name="Trial", sandbox_of=tenant), by=BY
    )
    leave_tenant(tenant=tenant, by=BY, reason="sold")
    return_tenant(tenant=tenant, by=BY)
    assert lookup.tenant_by_slug(sandbox.slug) == sandbox
    leave_tenant(tenant=tenant, by=BY, reason="sold")

    remove_tenant(slug=tenant.slug, now=True, by=BY)

    ends = Departure.objects.filter(slug__startswith=tenant.slug, removed_at__isnull=False)
    assert [d.slug for d in ends.order_by("removed_at")] == [sandbox.slug, tenant.slug]
    assert not schema_exists(sandbox.schema_name)
    Departure.objects.filter(tenant_id=sandbox.pk).delete()


def test_a_name_is_free_again(tenant: Tenant, partner: Partner) -> None:
    leave_tenant(tenant=tenant, by=BY, reason="sold")
    remove_tenant(slug=tenant.slug, now=True, by=BY)

    anew = provision_tenant(start_tenant(slug=tenant.slug, name="Another", partner=partner), by=BY)

    assert anew.pk != tenant.pk
    with inside(anew):
        assert not Source.objects.exists()
        assert not Order.objects.exists()
        assert cache.get("asked") is None
    assert not Member.objects.filter(tenant=anew).exists()


def test_by_command_from_notice_to_verified_certificate(tenant: Tenant, tmp_path: Path) -> None:
    out = StringIO()
    call_command("leave_tenant", tenant.slug, reason="sold", stdout=out)
    call_command("leave_tenant", tenant.slug, "--return", stdout=out)
    call_command("leave_tenant", tenant.slug, reason="sold", stdout=out)
    with pytest.raises(CommandError, match="can be taken back until"):
        call_command("remove_tenant", tenant.slug, stdout=out, stderr=StringIO())
    printed = StringIO()
    call_command("remove_tenant", tenant.slug, "--now", stdout=printed, stderr=StringIO())
    kept = tmp_path / "certificate.json"
    kept.write_text(printed.getvalue())

    for named in (tenant.slug, str(kept)):
        told = StringIO()
        call_command("verify_certificate", named, stdout=told)
        assert "database roles: 1 found, 1 removed, 0 left" in told.getvalue()
    changed = json.loads(kept.read_text())
    changed["content"]["removed"][0]["left"] = 5
    kept.write_text(json.dumps(changed))
    with pytest.raises(CommandError, match="changed after it was signed"):
        call_command("verify_certificate", str(kept), stdout=StringIO())


def test_a_certificate_of_another_platform_does_not_hold_here(
    tenant: Tenant, settings: Any
) -> None:
    leave_tenant(tenant=tenant, by=BY, reason="sold")
    certificate = remove_tenant(slug=tenant.slug, now=True, by=BY).certificate
    before = settings.SECRET_KEY

    settings.SECRET_KEY = "another"
    with pytest.raises(CertificateInvalid, match="SECRET_KEY was changed"):
        verify(certificate)
    assert verify(certificate, public_key=certificate["public_key"])
    settings.SECRET_KEY_FALLBACKS = [before]
    assert verify(certificate)
    with pytest.raises(CertificateInvalid):
        verify({"content": {}})


def test_when_the_time_of_grace_is_over_it_is_removed(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(removal, "enqueue_on_commit", lambda name, **given: sent.append(given))
    departure = leave_tenant(tenant=tenant, by=BY, reason="sold")
    removal.enqueue_due()
    assert sent == []

    Departure.objects.filter(pk=departure.pk).update(remove_after=departure.left_at)
    removal.enqueue_due()

    assert sent == [{"slug": tenant.slug}]
    assert remove_tenant(slug=tenant.slug, by=BY).removed_at
