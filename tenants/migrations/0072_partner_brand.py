import controlplane.core.models
import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0071_support_entries"),
    ]

    operations = [
        migrations.AddField(
            model_name="partner",
            name="footer",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="One line under every page and mail, such as company, address and register.",
                max_length=200,
                validators=[
                    django.core.validators.RegexValidator(
                        "^[^\\r\\n\\0]*\\Z", "Write it in one line."
                    )
                ],
            ),
        ),
        migrations.AddField(
            model_name="partner",
            name="logo_version",
            field=models.CharField(
                blank=True, default="", db_default="", editable=False, max_length=16
            ),
        ),
        migrations.AddField(
            model_name="partner",
            name="sender_email",
            field=models.EmailField(
                blank=True,
                db_default="",
                default="",
                help_text="The address that mails come from; its domain must let Pergola's mail server send (SPF, DKIM). Empty: the platform's address.",
                max_length=254,
            ),
        ),
        migrations.AddField(
            model_name="partner",
            name="sender_name",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Who mails come from. Empty: what the portal is called.",
                max_length=80,
                validators=[
                    django.core.validators.RegexValidator(
                        "^[^\\r\\n\\0]*\\Z", "Write it in one line."
                    )
                ],
            ),
        ),
        migrations.AlterField(
            model_name="partner",
            name="support_email",
            field=models.EmailField(
                blank=True,
                help_text="Where people of its tenants find help, and where answers go.",
                max_length=254,
            ),
        ),
        migrations.CreateModel(
            name="PartnerLogo",
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
                ("content_type", models.CharField(max_length=20)),
                ("content", models.BinaryField()),
                (
                    "partner",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="logo",
                        to="tenants.partner",
                    ),
                ),
            ],
            options={"abstract": False},
        ),
    ]
