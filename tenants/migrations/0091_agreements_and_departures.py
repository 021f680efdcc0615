from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0090_limits"),
    ]

    operations = [
        migrations.AddField(
            model_name="departure",
            name="status_before",
            field=models.CharField(
                db_default="active",
                default="active",
                help_text="What it is again when it is taken back.",
                max_length=12,
            ),
        ),
    ]
