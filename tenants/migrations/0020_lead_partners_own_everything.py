"""A lead partner did everything before areas had owners: so it owns each area nobody else does."""

from django.db import migrations

from controlplane.core.models import new_id

AREAS = (
    "process_design", "automation", "infrastructure", "optimisation", "support", "escalation",
)  # fmt: skip


def give_areas(apps, schema_editor):
    alias = schema_editor.connection.alias
    engagements = apps.get_model("tenants", "Engagement").objects.using(alias)
    ownerships = apps.get_model("tenants", "Ownership").objects.using(alias)
    owned = set(ownerships.values_list("tenant_id", "area"))
    ownerships.bulk_create(
        [
            ownerships.model(id=new_id(), engagement_id=pk, tenant_id=tenant_id, area=area)
            for pk, tenant_id in engagements.filter(is_lead=True).values_list("pk", "tenant_id")
            for area in AREAS
            if (tenant_id, area) not in owned
        ],
        batch_size=1000,
    )


class Migration(migrations.Migration):
    dependencies = [("tenants", "0011_departures")]

    operations = [migrations.RunPython(give_areas, migrations.RunPython.noop)]
