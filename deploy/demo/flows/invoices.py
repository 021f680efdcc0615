"""Suppliers' invoices from tests/data/demo, sent as documents, with what was ordered and received.

An XML document gets numbers of its own, so that each run's invoices are new. A PDF becomes another
file only: from the second run on its number is known, which is one more reason to hold it.
"""

import json
from pathlib import Path

from controlplane.core.actor import system
from controlplane.invoices.contexts import amount_text
from controlplane.invoices.models import Invoice
from controlplane.invoices.services import import_goods_receipts, import_purchase_orders
from deploy.demo.flows import State, post, signed
from deploy.demo.story import Chapter
from deploy.demo.world import Place
from tenants.context import inside

TEMPLATE = "check-supplier-invoice"
SOURCE, NAME, KIND = "suppliers", "Suppliers' invoices", "documents"
DATA = Path(__file__).parents[3] / "tests" / "data" / "demo"
HOSTILE = "hostile.xml"
_TYPES = {".xml": "application/xml", ".pdf": "application/pdf"}
# The numbers in the documents that differ from run to run.
_NUMBERS = ("AMF-20117", "SF-3391", "4500017", "4500018", "GR-7001", "GR-7002")


def send(place: Place, chapter: Chapter, *, number: int) -> str:
    name = Path(chapter.file)
    papers = DATA / "procurement" / f"{name.stem}.json"
    if papers.exists():
        _order_and_receive(place, fresh(papers.read_bytes(), name, number))
    document = hostile(number) if chapter.file == HOSTILE else DATA / "invoices" / name
    body = document if isinstance(document, bytes) else fresh(document.read_bytes(), name, number)
    headers = {
        "Content-Type": _TYPES[name.suffix],
        "Filename": chapter.file,
        **signed(body, place.secrets[SOURCE], number=number),
    }
    return post(place, SOURCE, body, headers, copies=chapter.copies)


def look(event_id: str) -> State | None:
    invoice = Invoice.objects.filter(event_id=event_id).first()
    if invoice is None:
        return None
    money = invoice.total
    figure = f"{amount_text(money)} {money.currency}" if money else invoice.get_status_display()
    return State("invoice", invoice.pk, str(figure), invoice.verdict, invoice.outcome)


def fresh(content: bytes, name: Path, number: int) -> bytes:
    """With numbers that no earlier run had; in a PDF only a comment behind its end."""
    if content.startswith(b"%PDF"):
        return content + f"%% {number}\n".encode()
    if name.suffix == ".xml":
        for known in _NUMBERS:
            content = content.replace(known.encode(), f"{known}-{number % 1_000_000}".encode())
    return content


def hostile(number: int) -> bytes:
    """An invoice that asks for a file of the server's, as an attacker would send it."""
    content = fresh((DATA / "invoices" / "all-received.xml").read_bytes(), Path("a.xml"), number)
    declaration, _sep, rest = content.partition(b"?>")
    doctype = b'<!DOCTYPE x [<!ENTITY passwords SYSTEM "file:///etc/passwd">]>'
    return declaration + b"?>\n" + doctype + rest.replace(b"Deck chair", b"&passwords;")


def _order_and_receive(place: Place, papers: bytes) -> None:
    """As the tenant's purchasing system says; the same again changes nothing."""
    by = system("demo")
    kinds = json.loads(papers)
    with inside(place.tenant):
        import_purchase_orders(content=json.dumps(kinds["purchase_orders"]).encode(), by=by)
        import_goods_receipts(content=json.dumps(kinds["goods_receipts"]).encode(), by=by)
