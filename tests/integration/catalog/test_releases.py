"""Releases: who took them live and why, and who sees whose."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils.translation import gettext, override

from controlplane.audit.models import Entry
from controlplane.catalog import importing, releases
from controlplane.catalog.changes import changes_since
from controlplane.catalog.models import CaseRun, Release, ReleaseUnknown, Template
from controlplane.catalog.services import ReleaseNotOffered, install
from controlplane.core.actor import system
from controlplane.workflow.reading import WorkflowUnreadable
from tenants.context import inside
from tenants.engagements import engage_partner
from tenants.models import Partner, Tenant
from tests.factories.events import ADA
from tests.factories.installations import make_release, workflow

pytestmark = pytest.mark.django_db


def export(**changes: Any) -> bytes:
    """As n8n exports it: with a credential, an instance, pinned data, and values written in."""
    return json.dumps(
        {
            "id": "w7", "name": "Tell the sales channel", "active": True,
            "meta": {"instanceId": "abc"}, "pinData": {"Get": [{"json": {"a": 1}}]},
            "nodes": [
                {"id": "s", "name": "Each morning", "type": "n8n-nodes-base.scheduleTrigger",
                 "typeVersion": 1.2, "position": [0, 0],
                 "parameters": {"rule": {"interval": [{"triggerAtHour": 8}]}}},
                {"id": "g", "name": "Get", "type": "n8n-nodes-base.httpRequest", "typeVersion": 4.2,
                 "position": [200, 0], "parameters": {"url": "https://shop.example/orders"},
                 "credentials": {"httpHeaderAuth": {"id": "5", "name": "Mine"}}},
            ],
            "connections": {"Each morning": {"main": [[{"node": "Get", "type": "main",
                                                        "index": 0}]]}},
            "settings": {}, **changes,
        }
    ).encode()  # fmt: skip


@pytest.fixture
def partner(north: Tenant) -> Partner:
    found = north.lead_partner
    assert found is not None
    return found


@pytest.fixture
def draft(partner: Partner) -> Release:
    (release,) = importing.import_workflows(source=export(), owner=partner, by=ADA)
    return release


CASE = {
    "title": "Accepts", "parameters": {}, "event": {"type": "order.created", "payload": {}},
    "expected": {"verdict": "accept"},
}  # fmt: skip


def passed(release: Release, *, failed: int = 0) -> None:
    release.refresh_from_db()
    CaseRun.objects.create(
        release=release, digest=release.digest, passed=1, failed=failed, results=[], ran_by="CI"
    )


def test_an_import_is_a_clean_draft_that_says_what_it_needs(draft: Release) -> None:
    text = json.dumps(draft.workflow)

    assert (draft.status, draft.version, draft.author) == ("draft", "1.0.0", "Ada Lovelace")
    assert draft.template.slug == "partner-north-tell-the-sales-channel"
    for gone in ("credentials", "instanceId", "pinData", '"5"'):
        assert gone not in text
    assert draft.terms.connections == ["HTTP Header Auth"]
    assert draft.findings["removed"]["credential"] == 1
    assert [p["name"] for p in draft.findings["packages"]] == ["n8n-nodes-base"]
    assert any("pinned" in note["message"] for note in draft.findings["not_carried"])
    assert Entry.objects.filter(action="release.drafted", subject_id=str(draft.pk)).count() == 1


def test_what_ought_to_be_a_parameter_becomes_one_when_somebody_says_so(draft: Release) -> None:
    offered = {spec.type: spec for spec in importing.proposed(draft)}
    assert offered["text"].default == "https://shop.example/orders"
    assert offered["schedule"].default == "0 8 * * *"

    name = offered["text"].name
    changed = importing.confirm(
        release_id=draft.pk, names=[name], labels={name: "Address of the shop"}, by=ADA
    )

    (spec,) = changed.terms.parameters
    assert (spec.label, spec.uses[0].path) == ("Address of the shop", ["parameters", "url"])
    assert [left.type for left in importing.proposed(changed)] == ["schedule"]
    with pytest.raises(releases.ReleaseInvalid, match="proposed no longer"):
        importing.confirm(release_id=draft.pk, names=[name], labels={}, by=ADA)


@pytest.mark.parametrize("name", ["x" * 300, "客服", "🤖", "8:00am", "a\nb", "<b>", "-"])
@pytest.mark.parametrize("is_platforms", [True, False])
def test_a_workflow_of_any_name_is_a_draft(
    partner: Partner, name: str, *, is_platforms: bool
) -> None:
    owner = None if is_platforms else partner

    (release,) = importing.import_workflows(source=export(name=name), owner=owner, by=ADA)

    assert release.template.title == name[:120]
    assert importing.proposed(release)


def test_an_export_of_many_is_many_drafts_and_none_if_one_is_broken(partner: Partner) -> None:
    one = json.loads(export())
    source = json.dumps([one, {**one, "name": "Other"}])
    made = importing.import_workflows(source=source, owner=partner, by=ADA)
    assert [str(each) for each in made] == ["Tell the sales channel 1.0.0", "Other 1.0.0"]

    before = Template.objects.count()
    with pytest.raises(WorkflowUnreadable):
        importing.import_workflows(
            source=json.dumps([one, {**one, "nodes": 5}]), owner=partner, by=ADA
        )
    assert Template.objects.count() == before


def test_a_new_version_of_what_is_there(draft: Release, partner: Partner) -> None:
    template = draft.template
    (second,) = importing.import_workflows(
        source=export(), owner=partner, template=template, by=ADA
    )

    assert second.version == "1.1.0"
    assert second.before == draft
    with pytest.raises(releases.VersionExists):
        importing.import_workflows(
            source=export(), owner=partner, template=template, version="1.1.0", by=ADA
        )


def test_without_cases_that_passed_it_does_not_go_live(draft: Release) -> None:
    manifest = draft.terms.model_copy(update={"events": ["order.created"]})
    releases.change_draft(release_id=draft.pk, manifest=manifest, by=ADA)
    with pytest.raises(releases.CasesNotPassed, match="has no cases"):
        releases.go_live(release_id=draft.pk, note="A long enough reason", by=ADA)
    releases.change_draft(release_id=draft.pk, manifest=manifest, cases={"accepts": CASE}, by=ADA)
    with pytest.raises(releases.CasesNotPassed, match="never ran"):
        releases.go_live(release_id=draft.pk, note="", by=ADA)
    passed(draft, failed=1)
    with pytest.raises(releases.CasesNotPassed, match="1 of 2 cases"):
        releases.go_live(release_id=draft.pk, note="", by=ADA)
    passed(draft)

    live = releases.go_live(release_id=draft.pk, note="Ready", by=ADA)

    assert live.template.latest == live
    assert [step["status"] for step in live.steps] == ["draft", "live"]
    assert live.steps[-1]["by"] == "Ada Lovelace"
    assert live.steps[-1]["note"] == "Ready"
    with pytest.raises(releases.ReleaseFrozen):
        releases.change_draft(release_id=draft.pk, notes="Other", by=ADA)


def test_a_change_after_the_cases_ran_asks_for_them_again(draft: Release) -> None:
    manifest = draft.terms.model_copy(update={"events": ["order.created"]})
    releases.change_draft(release_id=draft.pk, manifest=manifest, cases={"accepts": CASE}, by=ADA)
    passed(draft)
    other = manifest.model_copy(update={"n8n_minimum": "2.0.0"})
    releases.change_draft(release_id=draft.pk, manifest=other, by=ADA)

    with pytest.raises(releases.CasesNotPassed, match="as it is now"):
        releases.go_live(release_id=draft.pk, note="", by=ADA)


def with_case(draft: Release) -> Release:
    manifest = draft.terms.model_copy(update={"events": ["order.created"]})
    return releases.change_draft(
        release_id=draft.pk, manifest=manifest, cases={"accepts": CASE}, by=ADA
    )


def test_what_failed_goes_live_for_nobody(draft: Release) -> None:
    with_case(draft)
    passed(draft, failed=1)

    with pytest.raises(releases.CasesNotPassed, match="failed"):
        releases.go_live(
            release_id=draft.pk, note="It is urgent, believe me", despite_cases=True, by=ADA
        )

    draft.refresh_from_db()
    assert draft.status == "draft"


def test_a_run_that_broke_off_or_goes_on_proves_nothing(draft: Release) -> None:
    with_case(draft)
    passed(draft)
    for status in ("running", "broken"):
        CaseRun.objects.update(status=status)
        with pytest.raises(releases.CasesNotPassed, match="never ran"):
            releases.go_live(release_id=draft.pk, note="Ready", by=ADA)


def test_where_no_case_is_possible_a_person_says_why(draft: Release) -> None:
    why = "Ran it in the sandbox on Monday; the list came."
    for note, by in (("", ADA), ("short", ADA), (why, system("job"))):
        with pytest.raises(releases.CasesNotPassed, match="nothing that a case could bring"):
            releases.go_live(release_id=draft.pk, note=note, by=by)

    live = releases.go_live(release_id=draft.pk, note=why, by=ADA)

    assert live.steps[-1]["note"] == why
    entry = Entry.objects.get(action="release.live")
    assert (entry.data["note"], "nothing that a case" in entry.data["despite"]) == (why, True)


def test_a_trigger_left_out_of_the_manifest_does_not_make_cases_impossible(
    partner: Partner,
) -> None:
    (release,) = importing.import_workflows(source=json.dumps(workflow()), owner=partner, by=ADA)
    manifest = release.terms.model_copy(update={"events": []})
    releases.change_draft(release_id=release.pk, manifest=manifest, by=ADA)

    with pytest.raises(releases.CasesNotPassed, match="has no cases"):
        releases.go_live(release_id=release.pk, note="A long enough reason", by=ADA)


def test_a_platform_admin_says_why_and_releases_it_all_the_same(draft: Release) -> None:
    with_case(draft)
    with pytest.raises(releases.CasesNotPassed, match="say why"):
        releases.go_live(release_id=draft.pk, note="now", despite_cases=True, by=ADA)

    releases.go_live(
        release_id=draft.pk, note="The shop of the case is closed", despite_cases=True, by=ADA
    )

    entry = Entry.objects.get(action="release.live")
    assert "never ran" in entry.data["despite"]
    assert entry.data["note"] == "The shop of the case is closed"


def test_a_deprecated_release_is_not_offered_and_goes_no_way_back(draft: Release) -> None:
    with pytest.raises(releases.StepRefused, match="draft"):
        releases.deprecate(release_id=draft.pk, note="", by=ADA)
    releases.go_live(release_id=draft.pk, note="Tried by hand", despite_cases=True, by=ADA)

    gone = releases.deprecate(release_id=draft.pk, note="Replaced", by=ADA)

    assert gone.template.latest is None
    assert draft.template not in Template.objects.offered()
    with pytest.raises(releases.StepRefused):
        releases.go_live(release_id=draft.pk, note="Again, please", despite_cases=True, by=ADA)
    with pytest.raises(releases.StepRefused):
        releases.discard(release_id=draft.pk, by=ADA)


def test_a_discarded_draft_takes_its_empty_template_along(draft: Release) -> None:
    releases.discard(release_id=draft.pk, by=ADA)

    assert not Template.objects.filter(pk=draft.template_id).exists()


def test_what_is_wrong_names_node_and_field(draft: Release) -> None:
    with pytest.raises(releases.ReleaseInvalid) as refused:
        releases.change_draft(release_id=draft.pk, cases={"one": {**CASE, "title": 5}}, by=ADA)
    assert refused.value.errors[0].field == "cases.one.title"
    flow = workflow()
    flow["nodes"][1]["credentials"] = {"pergolaApi": {"id": "1"}}
    with pytest.raises(releases.ReleaseInvalid, match="'Review' names a credential") as refused:
        releases.create_draft(
            template=None, owner=None, manifest=draft.terms, workflow=flow, by=ADA
        )
    assert [fault.field for fault in refused.value.errors] == [
        "workflow.nodes.1.credentials", "manifest.scopes",
    ]  # fmt: skip


def test_a_draft_is_installed_nowhere_but_in_a_sandbox(draft: Release, north: Tenant) -> None:
    with inside(north), pytest.raises(ReleaseNotOffered):
        install(release_id=draft.pk, parameters={}, by=ADA)


def slugs() -> set[str]:
    return set(Template.objects.values_list("slug", flat=True))


def test_a_partners_template_is_there_only_for_whom_it_serves(
    draft: Release, partner: Partner, north: Tenant, south: Tenant, tmp_path: Path
) -> None:
    ours = make_release(tmp_path).template.slug
    releases.go_live(release_id=draft.pk, note="Tried by hand", despite_cases=True, by=ADA)
    theirs = draft.template.slug

    with inside(north):
        assert {ours, theirs} <= slugs()
        assert Release.objects.filter(pk=draft.pk).exists()
    with inside(south):
        assert ours in slugs()
        assert theirs not in slugs()
        assert not Release.objects.filter(pk=draft.pk).exists()
        with pytest.raises(ReleaseUnknown):
            install(release_id=draft.pk, parameters={}, by=ADA)
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM public.catalog_release WHERE id = %s", [draft.pk])
            assert cursor.fetchone() == (0,)
            cursor.execute("SELECT public.pergola_partners_here()")
            assert partner.pk not in cursor.fetchone()[0]

    engage_partner(partner=partner, tenant=south, owns=set(), by=ADA)

    with inside(south):
        assert theirs in slugs()


def test_a_sandbox_sees_what_its_production_sees(
    draft: Release, north: Tenant, south: Tenant
) -> None:
    Tenant.objects.filter(pk=south.pk).update(sandbox_of=north, environment="sandbox")

    with inside(south):
        assert draft.template.slug in slugs()


def test_the_command_imports_and_says_what_it_found(tmp_path: Path, partner: Partner) -> None:
    file = tmp_path / "export.json"
    file.write_bytes(export())
    out = StringIO()

    call_command("import_workflow", str(file), "--partner", partner.slug, "--accept", stdout=out)

    told = out.getvalue()
    for text in (
        "Tell the sales channel 1.0.0: draft", "connection: HTTP Header Auth",
        "parameter: get_address", "not carried: test data was pinned",
    ):  # fmt: skip
        assert text in told, told
    release = Release.objects.get(template__owner=partner)
    assert len(release.terms.parameters) == 2


def test_what_its_own_pergola_nodes_need_is_read_from_them(partner: Partner) -> None:
    (release,) = importing.import_workflows(source=json.dumps(workflow()), owner=partner, by=ADA)

    assert release.terms.events == ["order.created"]
    assert release.terms.scopes == ["events:subscribe", "orders:review"]


def test_what_a_release_changes_is_said_in_the_readers_language(
    north: Tenant, tmp_path: Path
) -> None:
    before = make_release(tmp_path)
    parameters = [{"name": "notify", "type": "text", "label": "Whom to tell", "default": ""}]
    after = make_release(tmp_path, version="2.0.0", parameters=parameters, scopes=["orders:review"])
    with override("de"):
        assert changes_since(before, after, gettext) == [
            "Der Parameter „Whom to tell“ kam hinzu.",
            "Der Parameter „Most pieces“ fällt weg.",
            "Sie braucht events:subscribe nicht mehr (scopes).",
        ]
    assert changes_since(before, after)[0] == "The parameter “Whom to tell” was added."
