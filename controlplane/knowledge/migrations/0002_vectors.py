"""The table of vectors, where the database has the extension `vector`."""

from django.db import migrations


def create(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        # The type may stand in a schema that tenants do not look into; then it does not count.
        cursor.execute("SELECT to_regtype('halfvec') IS NOT NULL")
        is_installed = cursor.fetchone()[0]
    if is_installed:
        schema_editor.execute(
            "CREATE TABLE knowledge_vector ("
            " chunk_id uuid PRIMARY KEY REFERENCES knowledge_chunk (id) ON DELETE CASCADE,"
            " vector halfvec(384) NOT NULL)"
        )


def drop(apps, schema_editor):
    schema_editor.execute("DROP TABLE IF EXISTS knowledge_vector")


class Migration(migrations.Migration):
    dependencies = [("knowledge", "0001_initial")]

    operations = [migrations.RunPython(create, drop)]
