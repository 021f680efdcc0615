"""What Celery's beat starts, and how often."""

from celery.schedules import crontab, schedule

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR

SCHEDULE = {
    name: {"task": name, "schedule": when}
    for name, when in {
        "instances.check_health": schedule(MINUTE),
        "approvals.advance_everywhere": schedule(MINUTE),
        "tenants.close_support_entries": schedule(MINUTE),
        "tenants.refresh_health_everywhere": schedule(MINUTE),
        "tenants.fill_pool": schedule(30),
        "tenants.resume_provisioning": schedule(5 * MINUTE),
        "tenants.remove_due": schedule(HOUR),
        "tenants.forget_security_events": schedule(DAY),
        "tenants.purge": crontab(hour=2, minute=30),
        "invoices.read_waiting": schedule(5 * MINUTE),
        "knowledge.ingest_waiting": schedule(5 * MINUTE),
    }.items()
}
