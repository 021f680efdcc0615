"""A ticket whose draft waits, and one that can be answered."""

from tests.factories.support import make_answer, make_draft_approval, make_triaged
from tests.factories.world import Part


def part(url: str) -> Part:
    ticket = make_triaged(
        "Where is the refund for the periwinkle lamp?",
        subject="Periwinkle",
        requester_email="lea@customer.example",
    )
    make_answer(ticket, "hold")
    make_draft_approval(ticket, url=url)
    sendable, given_up = make_triaged("A second question"), make_triaged("A third question")
    make_answer(sendable)
    return Part(
        rows={
            "ticket_id": ticket.pk, "ticket_event": ticket.event_id,
            "sendable_ticket": sendable.pk, "given_up_ticket": given_up.pk,
        },
        bodies={
            "api/v1/tickets": {
                "subject": "Hello", "body": "A question", "requester": {"email": "a@b.example"},
            },
        },
        inputs={
            "ticket.triage": {"event_id": "{ticket_event}"},
            "ticket.reply": {"ticket_id": "{sendable_ticket}"},
            "ticket.hand_over": {"ticket_id": "{given_up_ticket}", "reason": "Nothing fits."},
        },
        references={
            "support.send_reply": "sendable_ticket", "support.tell_handed_over": "ticket_id",
        },
        secrets={"periwinkle", "Periwinkle", "lea@customer.example"},
    )  # fmt: skip
