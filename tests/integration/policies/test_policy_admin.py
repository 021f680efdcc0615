"""The tenant's admin: saving publishes, and a fault is shown at its field."""

import json

import pytest
from django.contrib.auth.models import User
from django.test import Client

from controlplane.core.actor import system
from controlplane.core.models import new_id
from controlplane.orders.contexts import _SAMPLE, facts_of
from controlplane.policies.models import Decision, LayerPolicy, Policy
from controlplane.policies.services import evaluate
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


def test_rules_for_many_are_published_when_saved(admin, north):
    rule = {
        "code": "embargo", "verdict": "reject", "expression": "order.ship_to.country == 'KP'",
        "message": "No.",
    }  # fmt: skip
    given = {
        "layer": "platform", "context": "order", "slug": "embargo", "title": "Embargo",
        "is_active": "on", "rules": json.dumps([rule]),
    }  # fmt: skip
    page = "/admin/policies/layerpolicy/add/"
    wrong = {**given, "rules": json.dumps([{**rule, "expression": "order.totl == 1"}])}
    assert "There is no field “totl”" in admin.post(page, wrong).content.decode()
    assert admin.post(page, given).status_code == 302
    policy = LayerPolicy.objects.get()
    assert policy.versions.get().pk == policy.live_version


def test_the_pages_of_what_is_kept_open(admin, checks, north):
    with inside(north):
        version = checks.live()
    for address in (
        url("policyversion"), url("policyversion", version.pk, "change"), url("simulationrun"),
        url("decision"),
    ):  # fmt: skip
        assert admin.get(address).status_code == 200
