"""What was published before versions had steps counts on after the migration."""

from importlib import import_module

from django.db import connection, migrations

from controlplane.policies.models import Policy, PolicyVersion

MIGRATION = import_module(
    "controlplane.policies.migrations.0002_versions_layers_and_simulation"
).Migration


def test_the_latest_version_counts_and_the_others_are_retired(tenant):
    policy = Policy.objects.create(context="order", slug="old", title="Old")
    first, second = (
        PolicyVersion.objects.create(policy=policy, number=n, rules=[], published_by="Ada")
        for n in (1, 2)
    )
    with connection.cursor() as cursor:
        for operation in MIGRATION.operations:
            if isinstance(operation, migrations.RunSQL):
                assert operation.hints["model_name"] in {"policy", "versionstep"}
                cursor.execute(operation.sql)
    assert policy.live() == second
    assert (first.current_status(), second.current_status()) == ("retired", "published")
    assert first.steps.last().note == "Replaced by a later version."
