"""Celery: long and scheduled work. Delivery to n8n is the relay's (`manage.py relay`)."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "controlplane.settings")

app = Celery("pergola", task_cls="tenants.taskbase:TenantTask")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
