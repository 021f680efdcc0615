"""The tenant's admin: saving publishes, and a fault is shown at its field."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from controlplane.core.actor import Actor, ActorKind, system
from controlplane.core.models import new_id
from controlplane.orders.contexts import _SAMPLE, facts_of
from controlplane.policies.models import Decision, LayerPolicy, LayerSimulation, Policy
from controlplane.policies.services import evaluate, move_policy, run_layer_simulation
from tenants.context import inside
from tests.factories.support_access import make_entry


@pytest.fixture
def admin(north):
    user = User.objects.create_superuser("root", "root@example.com", "correct horse battery")
    make_entry(user, north)
    client = Client(headers={"host": "localhost"})
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def checks(north):
    with inside(north):
        return Policy.objects.get(slug="order-checks")


def form_of(policy, north, **changes):
    """What the page would send, with `code__field` of a rule changed."""
    with inside(north):
        rules = list(policy.rules.all())
    data = {
        "title": policy.title,
        "is_active": "on",
        "rules-TOTAL_FORMS": len(rules),
        "rules-INITIAL_FORMS": len(rules),
        "examples-TOTAL_FORMS": "0",
        "examples-INITIAL_FORMS": "0",
    }
    for index, rule in enumerate(rules):
        fields = {
            "id": rule.pk,
            "policy": policy.pk,
            "position": rule.position,
            "code": rule.code,
            "expression": rule.expression,
            "verdict": rule.verdict,
            "message": rule.message,
            "enabled": "on",
        }
        data |= {f"rules-{index}-{name}": value for name, value in fields.items()}
        for name, value in changes.items():
            code, _sep, field = name.partition("__")
            if code == rule.code:
                data[f"rules-{index}-{field}"] = value
    return data


def url(name, *parts):
    return f"/t/north/admin/policies/{'/'.join((name, *map(str, parts)))}/"


def test_the_pages_open(admin, checks):
    for address in (url("policy"), url("policy", "add"), url("policy", checks.pk, "change")):
        assert admin.get(address).status_code == 200
    assert admin.get(url("policyversion")).status_code == 200
    assert admin.get(url("decision")).status_code == 200


def test_saving_a_change_publishes_it(admin, checks, north):
    data = form_of(checks, north, no_lines__verdict="reject")
    answer = admin.post(url("policy", checks.pk, "change"), data)
    assert answer.status_code == 302, answer.context["errors"]
    with inside(north):
        version = checks.latest_version()
        assert (version.number, version.published_by) == (2, "root (platform support)")
        assert Decision.objects.count() == 0


@pytest.mark.parametrize(
    ("change", "field", "said"),
    [
        ({"no_lines__expression": "order.line_count =="}, "expression", "ends too early"),
        ({"no_lines__expression": "order.lines_count == 0"}, "expression", "no field"),
        (
            {"no_lines__expression": "order.lines.all(a, order.lines.all(b, a.sku == b.sku))"},
            "expression",
            "ms is the most",
        ),
        ({"no_lines__expression": "order.line_count"}, "expression", "neither true nor false"),
        ({"no_lines__message": "{order.lines}"}, "message", "not a single value"),
    ],
)
def test_a_fault_is_shown_at_its_field_and_nothing_is_saved(
    admin, checks, north, change, field, said
):
    answer = admin.post(url("policy", checks.pk, "change"), form_of(checks, north, **change))
    assert answer.status_code == 200
    forms = answer.context["inline_admin_formsets"][0].formset.forms
    at_fault = [form for form in forms if form.errors]
    assert [form.instance.code for form in at_fault] == ["no_lines"]
    assert said in str(at_fault[0].errors[field])
    with inside(north):
        assert checks.latest_version().number == 1


def test_a_policy_is_not_deleted(admin, checks):
    assert admin.post(url("policy", checks.pk, "delete"), {"post": "yes"}).status_code == 403


def test_what_is_refused_stays_a_draft_and_says_why(admin, checks, north):
    with inside(north):
        for number in range(4):
            facts = facts_of(_SAMPLE)
            facts["order"]["number"] = f"#{number}"
            evaluate(
                context="order", subject_type="order", subject_id=new_id(), data=facts,
                parameters={}, event_id=None, by=system("tests"),
            )  # fmt: skip
    changed = form_of(checks, north, no_lines__expression="order.line_count < 900")
    sent = admin.post(url("policy", checks.pk, "change"), changed, follow=True)
    assert "turns over 4 of 4 decisions" in sent.content.decode()
    with inside(north):
        assert checks.live().number == 1
        assert checks.rules.get(code="no_lines").expression == "order.line_count < 900"


def test_switching_a_policy_off_asks_the_threshold(admin, checks, north):
    """With nothing of its own left, a tenant holds: whoever switches its rules off alone waits."""
    with inside(north):
        for _number in range(4):
            evaluate(
                context="order", subject_type="order", subject_id=new_id(), data=facts_of(_SAMPLE),
                parameters={}, event_id=None, by=system("tests"),
            )  # fmt: skip
        assert set(Decision.objects.values_list("verdict", flat=True)) == {"accept"}
    off = form_of(checks, north)
    del off["is_active"]
    for _time in range(2):
        told = admin.post(url("policy", checks.pk, "change"), off, follow=True).content.decode()
        assert "too much for one person" in told
    with inside(north):
        checks.refresh_from_db()
        assert (checks.is_active, checks.asked_move) == (True, "off")
        grace = Actor(ActorKind.MEMBER, "99999", "Grace")
        assert move_policy(policy=checks, move="off", note="agreed", by=grace)
    on = form_of(checks, north)
    admin.post(url("policy", checks.pk, "change"), on, follow=True)
    with inside(north):
        checks.refresh_from_db()
        assert checks.is_active  # it turns over nothing: what was decided so comes out so


EMBARGO = {
    "position": "1", "code": "embargo", "verdict": "reject", "message": "No.", "enabled": "on",
    "expression": "order.ship_to.country == 'KP'",
}  # fmt: skip
CASE = {
    "position": "1", "name": "to Pyongyang", "verdict": "reject", "codes": "embargo",
    "facts": '{"order": {"ship_to": {"country": "KP"}}}',
}  # fmt: skip
MANY = "/admin/policies/layerpolicy/"
VERSIONS = "/admin/policies/layerversion/"


def layer_form(rule=EMBARGO, example=CASE, **changes):
    data = {
        "layer": "platform", "context": "order", "slug": "embargo", "title": "Embargo",
        "is_active": "on", "hand_in": "on", "note": "as the ministry says", **changes,
    }  # fmt: skip
    for kind, row in (("rules", rule), ("examples", example)):
        data |= {f"{kind}-TOTAL_FORMS": "1", f"{kind}-INITIAL_FORMS": "0"}
        data |= {f"{kind}-0-{name}": value for name, value in row.items()}
    return data


def test_rules_for_many_are_written_in_fields_handed_in_and_published(admin, north):
    assert admin.get(f"{MANY}add/").status_code == 200
    assert admin.post(f"{MANY}add/", layer_form()).status_code == 302
    policy = LayerPolicy.objects.get()
    version = policy.versions.get()
    assert (version.status, policy.live_version) == ("review", None)
    assert version.examples[0]["codes"] == ["embargo"]
    assert [step["note"] for step in version.steps] == ["", "as the ministry says"]
    shown = admin.get(f"{VERSIONS}{version.pk}/change/").content.decode()
    assert "order.ship_to.country == &#x27;KP&#x27;" in shown
    assert "to Pyongyang" in shown
    sent = {"action": "publish", "_selected_action": [str(version.pk)], "note": "agreed"}
    assert "is in force" in admin.post(VERSIONS, sent, follow=True).content.decode()
    policy.refresh_from_db()
    assert policy.live_version == version.pk
    assert policy.versions.get().steps[-1]["note"] == "agreed"
    for page in (MANY, f"{MANY}{policy.pk}/change/", VERSIONS):
        assert admin.get(page).status_code == 200


def test_rules_for_many_wait_for_a_second_person(admin, north, settings):
    settings.LAYERS_NEED_APPROVAL = True
    admin.post(f"{MANY}add/", layer_form())
    version = LayerPolicy.objects.get().versions.get()
    for action, said in (("publish", "binds many tenants"), ("approve", "was written or handed")):
        sent = {"action": action, "_selected_action": [str(version.pk)], "note": "me"}
        assert said in admin.post(VERSIONS, sent, follow=True).content.decode()
    version.refresh_from_db()
    assert version.status == "review"


def test_the_platforms_only_admin_publishes_alone_what_was_simulated(admin, north, settings):
    settings.LAYERS_NEED_APPROVAL = True
    admin.post(f"{MANY}add/", layer_form())
    version = LayerPolicy.objects.get().versions.get()

    def take(action, note="There is nobody else here."):
        sent = {"action": action, "_selected_action": [str(version.pk)], "note": note}
        return admin.post(VERSIONS, sent, follow=True).content.decode()

    assert "simulate it first" in take("publish_alone")
    page = take("simulate")
    run = LayerSimulation.objects.get()
    state = f"/admin/policies/layersimulation/{run.pk}/state/"
    assert f'data-state="{state}"' in page
    assert "data-over" not in admin.get(state).content.decode()
    run_layer_simulation(run.pk)
    told = admin.get(state).content.decode()
    assert "data-over" in told
    assert "None: all well" in told
    assert admin.get("/admin/policies/layersimulation/").status_code == 200
    assert "at least 15 characters" in take("publish_alone", "now")
    assert "is in force" in take("publish_alone")
    assert "is retired" in take("retire")
    assert "are in force" in take("roll_back")
    assert [each.status for each in version.policy.versions.order_by("number")] == [
        "retired", "published",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (layer_form({**EMBARGO, "expression": "order.totl == 1"}), "There is no field “totl”"),
        (layer_form({**EMBARGO, "code": "Em Bargo"}), "Use lower-case letters"),
        (layer_form(example={**CASE, "facts": "[1]"}), "Write an object"),
        (layer_form(note=""), "Say why"),
        (layer_form(layer="partner"), "Choose whose tenants these rules bind."),
    ],
)
def test_a_fault_in_rules_for_many_is_shown_and_nothing_is_kept(admin, north, given, said):
    answer = admin.post(f"{MANY}add/", given)
    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert not LayerPolicy.objects.exists()


def test_a_failing_example_keeps_the_draft_of_rules_for_many(admin, north):
    wrong = layer_form(example={**CASE, "verdict": "accept", "codes": ""})
    told = admin.post(f"{MANY}add/", wrong, follow=True).content.decode()
    assert "Saved as a draft, and not handed in" in told
    assert "expected accept" in told
    policy = LayerPolicy.objects.get()
    assert (policy.rules.count(), policy.versions.count()) == (1, 0)


def test_examples_of_a_tenants_policy_stand_beside_its_rules(admin, checks, north):
    data = form_of(checks, north) | {
        "examples-TOTAL_FORMS": "1", "examples-INITIAL_FORMS": "0",
        **{f"examples-0-{name}": value for name, value in CASE.items()},
        "examples-0-verdict": "accept", "examples-0-codes": "",
    }  # fmt: skip
    assert admin.post(url("policy", checks.pk, "change"), data).status_code == 302
    with inside(north):
        assert checks.live().examples[0]["name"] == "to Pyongyang"
    assert "to Pyongyang" in admin.get(url("policy", checks.pk, "change")).content.decode()


def test_the_pages_of_what_is_kept_open(admin, checks, north):
    with inside(north):
        version = checks.live()
    for address in (
        url("policyversion"), url("policyversion", version.pk, "change"), url("simulationrun"),
        url("decision"),
    ):  # fmt: skip
        assert admin.get(address).status_code == 200


def test_names_are_offered_while_a_rule_is_typed(admin, checks, north):
    """In both halves: of a policy's own context, and of the one that is chosen for a new one."""
    new = admin.get(f"{MANY}add/").content.decode()
    assert f'data-completes="{MANY}fields/" data-completes-of="id_context"' in new
    assert 'id="id_context"' in new
    address = url("policy", "fields", "order")
    page = admin.get(url("policy", checks.pk, "change")).content.decode()
    assert f'data-completes="{address}"' in page
    for shown in (new, page):
        assert "policies/rules.js" in shown
    for place in (address, f"{MANY}fields/order/"):
        names = {field["name"] for field in admin.get(place).json()["fields"]}
        assert {"order.total.minor", "tenant.slug"} <= names
    assert admin.get(f"{MANY}fields/nothing/").status_code == 404
