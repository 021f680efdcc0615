"""Pergola's control plane. Importing it registers the Celery app, as Celery's manual asks."""

from controlplane.celery import app as celery_app

__all__ = ["celery_app"]
