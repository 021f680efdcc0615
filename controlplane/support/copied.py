"""What of a tenant's tickets goes to its sandbox, and how: as they came in, unsorted."""

from tenants.environments.rules import (
    ROW,
    Copied,
    Never,
    choice,
    code,
    declare,
    email,
    foreign_id,
    keep,
    name,
    reset,
    text,
)


def declare_all() -> None:
    declare(
        "support.Ticket",
        Copied(
            "tickets",
            {**ROW, "serial": keep, "number": code,
             "channel": choice, "source_slug": code, "external_id": foreign_id, "subject": text,
             "body": text, "requester_name": name, "requester_email": email, "author_id": reset,
             "author": reset, "received_at": keep,
             "is_test": keep, "event_id": keep, "status": reset, "intent": reset,
             "intent_confidence": reset, "is_confident": reset, "urgency": reset,
             "urgency_confidence": reset, "language": choice, "language_confidence": keep,
             "triage": reset, "triage_model": reset, "triaged_at": reset, "corrected_at": reset,
             "corrected_by": reset, "answer_id": reset, "reply_text": reset, "replied_at": reset,
             "reply_sequence": reset, "mail": reset, "mail_problem": reset, "sent_at": reset,
             "queue": reset, "reason": reset, "handed_over_at": reset,
             "hand_over_sequence": reset, "closed_at": reset},
        ),
    )  # fmt: skip
    declare("support.TriageExample", Never("customers' own words; the sandbox has the starter's"))
    declare("support.TriageModel", Never("made of customers' words; the sandbox trains its own"))
