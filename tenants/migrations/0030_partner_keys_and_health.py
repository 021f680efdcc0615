import controlplane.core.models
import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0021_fleet_runs"),
    ]

    operations = [
        migrations.AddField(
            model_name="apikey",
            name="partner",
            field=models.ForeignKey(
                blank=True,
                help_text="Whose machine it is: revoked when this partner's engagement ends.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="api_keys",
                to="tenants.partner",
            ),
        ),
        migrations.CreateModel(
            name="TenantHealth",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=controlplane.core.models.new_id,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False),
                ),
                ("updated_at", models.DateTimeField(auto_now=True)),
                ("installations_active", models.PositiveIntegerField(default=0)),
                ("installations_failed", models.PositiveIntegerField(default=0)),
                ("approvals_waiting", models.PositiveIntegerField(default=0)),
                ("last_event_at", models.DateTimeField(blank=True, null=True)),
                ("refreshed_at", models.DateTimeField()),
                (
                    "tenant",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="health",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "verbose_name": "tenant health",
                "verbose_name_plural": "tenant health",
            },
        ),
    ]
