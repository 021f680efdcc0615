"""What Celery's beat starts, and how often."""

from celery.schedules import crontab, schedule

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR

SCHEDULE = {
    name: {"task": name, "schedule": when}
    for name, when in {
        "instances.check_health": schedule(MINUTE),
        "connections.check_everywhere": schedule(5 * MINUTE),
        "approvals.advance_everywhere": schedule(MINUTE),
        "events.reconcile_everywhere": schedule(2 * MINUTE),
        "policies.publish_due_everywhere": schedule(MINUTE),
        "policies.give_up_lost_runs_everywhere": schedule(5 * MINUTE),
        "tenants.close_support_entries": schedule(MINUTE),
        "tenants.refresh_health_everywhere": schedule(MINUTE),
        "tenants.refresh_measures_everywhere": schedule(MINUTE),
        "tenants.fill_pool": schedule(30),
        "tenants.resume_provisioning": schedule(5 * MINUTE),
        "tenants.remove_due": schedule(HOUR),
        "tenants.forget_security_events": schedule(DAY),
        "tenants.sign_audit": schedule(10 * MINUTE),
        "tenants.purge": crontab(hour=2, minute=30),
        "catalog.tend_everywhere": schedule(10 * MINUTE),
        "catalog.tend_rollouts": schedule(30),
        "invoices.read_waiting": schedule(5 * MINUTE),
        "knowledge.ingest_waiting": schedule(5 * MINUTE),
    }.items()
}
