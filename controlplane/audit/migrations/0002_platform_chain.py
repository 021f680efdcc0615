"""The platform's own chain, where the shared schema was made before there was one.

Until 0.1.0 only tenants had a trail, so an older shared schema says that 0001 was applied and has
no table for it. A newer one has the table from 0001.
"""

from django.db import migrations


def create_where_missing(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('public.audit_entry') IS NULL")
        is_missing = cursor.fetchone()[0]
    if is_missing:
        schema_editor.create_model(apps.get_model("audit", "Entry"))


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [
        migrations.RunPython(
            create_where_missing, migrations.RunPython.noop, hints={"shared": True}
        )
    ]
