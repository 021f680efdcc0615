"""Taking tickets in, sorting them, answering them, and learning from corrections."""

from controlplane.support.services.learning import (
    ExamplesUnreadable,
    NothingToLearn,
    current_model,
    import_examples,
    request_training,
    train_model,
)
from controlplane.support.services.receiving import (
    SUBJECT,
    EventHoldsNoTicket,
    Received,
    TicketInvalid,
    TicketUnknown,
    get_ticket,
    receive_ticket,
    ticket_link,
)
from controlplane.support.services.replying import (
    AlreadyAnswered,
    AnswerMissing,
    ReplyNotAllowed,
    TicketFinished,
    close_ticket,
    hand_over,
    reply_to_ticket,
    send_reply_again,
)
from controlplane.support.services.sorting import LabelInvalid, correct_triage, triage_ticket

__all__ = [
    "SUBJECT",
    "AlreadyAnswered",
    "AnswerMissing",
    "EventHoldsNoTicket",
    "ExamplesUnreadable",
    "LabelInvalid",
    "NothingToLearn",
    "Received",
    "ReplyNotAllowed",
    "TicketFinished",
    "TicketInvalid",
    "TicketUnknown",
    "close_ticket",
    "correct_triage",
    "current_model",
    "get_ticket",
    "hand_over",
    "import_examples",
    "receive_ticket",
    "reply_to_ticket",
    "request_training",
    "send_reply_again",
    "ticket_link",
    "train_model",
    "triage_ticket",
]
