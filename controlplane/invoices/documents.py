"""The kind of source that sends invoices: the document is the body, signed as Pergola signs."""

from urllib.parse import unquote

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from controlplane.core.actor import system
from controlplane.events import kinds
from controlplane.events.incoming import Incoming
from controlplane.events.models import Source
from controlplane.events.signing import example, id_of, signed_chunks, signed_sample
from controlplane.invoices import services
from controlplane.invoices.models import Invoice
from controlplane.invoices.samples import sample_invoice

FILENAME_HEADER = "Filename"


def receive(source: Source, incoming: Incoming) -> kinds.Received:
    """Take one document. The same one again answers with the event that it already is.

    Raises BodyTooLarge, SignatureInvalid, FileTooLarge or DocumentEmpty; nothing is kept then.
    """
    received = services.receive_invoice(
        chunks=signed_chunks(source, incoming, limit=settings.DOCUMENT_MAX_BYTES),
        filename=unquote(incoming.header(FILENAME_HEADER)),
        content_type=incoming.header("Content-Type"),
        channel=Invoice.Channel.SOURCE,
        source=source,
        external_id=id_of(incoming),
        is_test=incoming.is_test,
        by=system(f"source {source.slug}"),
    )
    return kinds.Received(received.event, received.is_duplicate)


def sample(source: Source) -> Incoming:
    """A small invoice, signed as the sender would."""
    headers = {"Content-Type": "application/xml", FILENAME_HEADER: "sample.xml"}
    return signed_sample(source, sample_invoice(timezone.now()), headers)


KIND = kinds.SourceKind(
    "documents",
    _("Supplier invoices"),
    _("Invoices as PDF or XML, one document at a time"),
    receive,
    example=example(
        file="invoice.xml",
        content_type="application/xml",
        headers={FILENAME_HEADER: "invoice.xml"},
    ),
    sample=sample,
)
