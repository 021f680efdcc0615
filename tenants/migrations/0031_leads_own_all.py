"""Who led a tenant so far did all of its work: the lead owns every area that nobody owns yet."""

from typing import Any

from django.db import migrations

AREAS = ["process_design", "automation", "infrastructure", "optimisation", "support", "escalation"]


def own_all(apps: Any, schema_editor: Any) -> None:
    owner = schema_editor.connection.alias
    Ownership = apps.get_model("tenants", "Ownership")
    leads = apps.get_model("tenants", "Engagement").objects.using(owner).filter(is_lead=True)
    Ownership.objects.using(owner).bulk_create(
        (
            Ownership(engagement=lead, tenant_id=lead.tenant_id, area=area)
            for lead in leads
            for area in AREAS
        ),
        ignore_conflicts=True,
    )


class Migration(migrations.Migration):
    dependencies = [("tenants", "0030_partner_keys_and_health")]

    operations = [migrations.RunPython(own_all, migrations.RunPython.noop)]
