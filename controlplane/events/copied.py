"""What of a tenant's events goes to its sandbox, and how."""

from tenants.environments.rules import (
    ROW,
    Copied,
    Never,
    choice,
    code,
    declare,
    digest,
    foreign_id,
    json_text,
    keep,
    new_secret,
    reset,
    text,
)


def declare_all() -> None:
    declare(
        "events.Source",
        Copied(
            "events",
            {**ROW, "slug": code, "name": text, "kind": choice, "secret": new_secret,
             "previous_secret": reset, "previous_secret_until": reset, "options": reset,
             "is_ordered": keep, "is_active": keep, "removed_at": keep},
            match_by=("slug",),
        ),
    )  # fmt: skip
    declare(
        "events.Event",
        Copied(
            "events",
            {**ROW, "source": keep, "type": choice, "external_id": foreign_id, "subject": code,
             "body": json_text, "body_sha256": digest, "headers": reset, "received_at": keep,
             "is_test": keep, "duplicates": keep, "workflow_id": reset, "execution_id": reset,
             "is_numbered": keep, "revises": keep, "revision": keep},
        ),
    )  # fmt: skip
    declare("events.Subscription", Never("a trigger in the sandbox's own n8n says so itself"))
    declare("events.Delivery", Never("of production's n8n", emptied=True))
    declare("events.Pause", Never("of production's workflows", emptied=True))
    declare("events.ExceptionCase", Never("of production's failures", emptied=True))
    declare("events.ExceptionNote", Never("of production's failures", emptied=True))
    declare("events.LedgerEntry", Never("answers to production's calls", emptied=True))
