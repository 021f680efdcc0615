import controlplane.core.models
import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("tenants", "0050_retention"),
    ]

    operations = [
        migrations.CreateModel(
            name="SupportEntry",
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
                ("person", models.CharField(help_text="As the tenant reads it.", max_length=200)),
                (
                    "reason",
                    models.CharField(
                        max_length=500, validators=[django.core.validators.MinLengthValidator(10)]
                    ),
                ),
                (
                    "as_role",
                    models.CharField(
                        choices=[
                            ("approver", "Approver"),
                            ("manager", "Manager"),
                            ("viewer", "Viewer"),
                        ],
                        default="viewer",
                        max_length=10,
                    ),
                ),
                ("started_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("expires_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
                ("ended_by", models.CharField(blank=True, max_length=200)),
                ("link_sha256", models.CharField(blank=True, editable=False, max_length=64)),
                (
                    "tenant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="support_entries",
                        to="tenants.tenant",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="support_entries",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "support entry",
                "verbose_name_plural": "support entries",
                "ordering": ["-started_at"],
                "indexes": [
                    models.Index(fields=["tenant", "-started_at"], name="support_entry_of_tenant")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at__isnull", True)),
                        fields=("user", "tenant"),
                        name="support_entry_one_open",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("expires_at__gt", models.F("started_at"))),
                        name="support_entry_has_a_time",
                    ),
                ],
            },
        ),
    ]
