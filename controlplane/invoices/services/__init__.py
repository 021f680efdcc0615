"""What can be done with supplier invoices, and with what they are matched against."""

from controlplane.invoices.corrections import FieldsInvalid
from controlplane.invoices.procurement.typed import ImportRefused
from controlplane.invoices.rules import RulesTookTooLong, RulesUnavailable
from controlplane.invoices.services.again import (
    NothingToReadAgain,
    may_be_read_again,
    read_again,
    read_waiting,
)
from controlplane.invoices.services.correct import NotAPerson, NothingToCorrect, correct_fields
from controlplane.invoices.services.intake import DocumentEmpty, Received, receive_invoice
from controlplane.invoices.services.lookup import (
    SUBJECT,
    InvoiceNotRead,
    InvoiceUnknown,
    get_invoice,
    invoice_link,
)
from controlplane.invoices.services.match import match_invoice
from controlplane.invoices.services.outcome import (
    OutcomeNotAllowed,
    OutcomeRecorded,
    record_outcome,
)
from controlplane.invoices.services.procurement import (
    Imported,
    import_goods_receipts,
    import_purchase_orders,
)
from controlplane.invoices.services.read import EventHoldsNoInvoice, extract_invoice, read_invoice
from controlplane.invoices.services.validate import validate_invoice

__all__ = [
    "SUBJECT",
    "DocumentEmpty",
    "EventHoldsNoInvoice",
    "FieldsInvalid",
    "ImportRefused",
    "Imported",
    "InvoiceNotRead",
    "InvoiceUnknown",
    "NotAPerson",
    "NothingToCorrect",
    "NothingToReadAgain",
    "OutcomeNotAllowed",
    "OutcomeRecorded",
    "Received",
    "RulesTookTooLong",
    "RulesUnavailable",
    "correct_fields",
    "extract_invoice",
    "get_invoice",
    "import_goods_receipts",
    "import_purchase_orders",
    "invoice_link",
    "match_invoice",
    "may_be_read_again",
    "read_again",
    "read_invoice",
    "read_waiting",
    "receive_invoice",
    "record_outcome",
    "validate_invoice",
]
