import pytest

from controlplane.audit.models import Entry
from controlplane.core.actor import system
from controlplane.orders.default_policy import RULES, seed_here
from controlplane.policies.cost import RuleTooCostly
from controlplane.policies.engine import RuleFailed
from controlplane.policies.grammar import RuleInvalid
from controlplane.policies.models import Immutable, Policy, PolicyVersion, Rule
from controlplane.policies.services import PolicyTooCostly, publish_policy, seed_policy

BY = system("tests")
RULE = {
    "code": "vip",
    "verdict": "hold",
    "expression": "'vip' in order.tags",
    "message": "{order.number} is from a VIP.",
}


@pytest.fixture
def policy(tenant):
    return seed_policy(context="order", slug="extra", title="Extra", rules=[RULE], by=BY)


def add(policy, expression, **fields):
    values = {"code": "bad", "verdict": "hold", "message": "x", "position": 9, **fields}
    return Rule.objects.create(policy=policy, expression=expression, **values)


def test_a_new_tenant_has_the_default_policy_published(tenant):
    policy = Policy.objects.get(context="order", slug="order-checks")
    version = policy.latest_version()
    assert version.number == 1
    assert [rule["code"] for rule in version.rules] == [rule["code"] for rule in RULES]


def test_seeding_again_leaves_a_tenant_s_changes(tenant):
    policy = Policy.objects.get(slug="order-checks")
    policy.rules.filter(code="test_order").delete()
    assert seed_here(by=BY).rules.count() == len(RULES) - 1


def test_publishing_without_a_change_makes_no_version(policy):
    again = publish_policy(policy=policy, by=BY)
    assert again.number == 1
    assert Entry.objects.filter(action="policy.published", subject_id=policy.pk).count() == 1


def test_a_change_makes_the_next_version_and_leaves_the_first(policy):
    policy.rules.update(verdict="reject")
    second = publish_policy(policy=policy, by=BY)
    assert second.number == 2
    assert [v.rules[0]["verdict"] for v in policy.versions.order_by("number")] == [
        "hold",
        "reject",
    ]


def test_disabled_rules_are_not_published(policy):
    policy.rules.update(enabled=False)
    assert publish_policy(policy=policy, by=BY).rules == []


@pytest.mark.parametrize(
    ("expression", "error"),
    [
        ("order.total.minor >", RuleInvalid),
        ("order.totl.minor > 1", RuleInvalid),
        ("order.lines.all(a, order.lines.all(b, a.sku == b.sku))", RuleTooCostly),
        ("order.total.minor > params.nobody_sets_this", RuleFailed),
    ],
)
def test_a_rule_with_a_fault_stops_the_publication(policy, expression, error):
    add(policy, expression)
    with pytest.raises(error) as caught:
        publish_policy(policy=policy, by=BY)
    assert caught.value.errors[0].field == "rules.bad.expression"
    assert policy.latest_version().number == 1


def test_a_message_with_a_fault_stops_it_too(policy):
    add(policy, "true", message="{order.nope}")
    with pytest.raises(RuleInvalid) as caught:
        publish_policy(policy=policy, by=BY)
    assert caught.value.errors[0].field == "rules.bad.message"


def test_many_costly_rules_are_too_costly_together(policy):
    for number in range(12):
        add(policy, "order.lines.map(l, l.quantity).size() > 9", code=f"bad_{number}")
    with pytest.raises(PolicyTooCostly):
        publish_policy(policy=policy, by=BY)


def test_a_published_version_is_never_changed(policy):
    version = policy.latest_version()
    version.rules = []
    with pytest.raises(Immutable):
        version.save()
    with pytest.raises(Immutable):
        version.delete()
    assert PolicyVersion.objects.get(pk=version.pk).rules
