from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("events", "0005_events_fetched_in_executions"),
    ]

    operations = [
        migrations.AddField(
            model_name="subscription",
            name="stopped_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="delivery",
            name="place_until",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="delivery",
            name="queued_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("place_until__isnull", False), ("status", "pending")),
                fields=["subscription", "place_until"],
                name="delivery_with_a_place",
            ),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("queued_at__isnull", False), ("status", "pending")),
                fields=["subscription", "queued_at"],
                name="delivery_queued",
            ),
        ),
    ]
