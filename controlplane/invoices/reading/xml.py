"""XML from strangers: no DOCTYPE, no entities, no network, bounded size, depth and elements.

expat looks first and stops at the first DOCTYPE, before any entity exists; lxml builds the tree
of what is left. Both read UTF-8, UTF-16 and the declared one-byte encodings, with or without BOM.
"""

from collections.abc import Iterator
from xml.parsers import expat

from lxml import etree

from controlplane.invoices.reading.refusal import Refused

MOST_BYTES = 32 * 1024 * 1024
MOST_DEPTH = 64
MOST_ELEMENTS = 500_000
MOST_ATTRIBUTES = 200

# UBL, CII with its code lists, and ZUGFeRD 1.0.
_STANDARDS = (
    "urn:oasis:names:specification:ubl:schema:xsd:",
    "urn:un:unece:uncefact:",
    "urn:ferd:",
)
_ENCODING_ERRORS = {
    expat.errors.codes[message]
    for message in (
        expat.errors.XML_ERROR_UNKNOWN_ENCODING,
        expat.errors.XML_ERROR_INCORRECT_ENCODING,
        expat.errors.XML_ERROR_PARTIAL_CHAR,
    )
}


class Node:
    """An element by the local names of what it contains: `node.text("Party/PartyName/Name")`.

    A step may name alternatives (`"ID|IssuerAssignedID"`): the first one that exists is taken.
    Prefixes do not matter, nor which of the standard's namespaces it is. Another's elements are
    not there: the official rules do not see them either, and one could say another amount.
    """

    __slots__ = ("_children", "element")

    def __init__(self, element: etree._Element) -> None:
        self.element = element
        self._children: dict[str, list[Node]] | None = None

    @property
    def name(self) -> str:
        return etree.QName(self.element).localname

    @property
    def namespace(self) -> str:
        return etree.QName(self.element).namespace or ""

    @property
    def value(self) -> str:
        """The element's own text, with the spaces around it removed."""
        return (self.element.text or "").strip()

    def attribute(self, name: str) -> str:
        return str(self.element.get(name, "")).strip()

    def all(self, path: str) -> Iterator["Node"]:
        """Every element at `path`."""
        step, _slash, rest = path.partition("/")
        for found in self._step(step):
            if rest:
                yield from found.all(rest)
            else:
                yield found

    def first(self, path: str) -> "Node | None":
        return next(self.all(path), None)

    def text(self, path: str) -> str:
        """The text of the first element at `path` that has one, or "", in one line."""
        return " ".join(self.prose(path).split())

    def texts(self, path: str) -> tuple[str, ...]:
        """The texts of all elements at `path`, each in one line."""
        return tuple(" ".join(found.value.split()) for found in self.all(path) if found.value)

    def prose(self, path: str) -> str:
        """The first text at `path` as it is written, with its line breaks."""
        return next((found.value for found in self.all(path) if found.value), "")

    def _step(self, step: str) -> list["Node"]:
        if self._children is None:
            self._children = {}
            for child in map(Node, self.element.iterchildren(etree.Element)):
                if not child.namespace.startswith(_STANDARDS):
                    continue
                alike = self._children.setdefault(child.name, [])
                if alike and alike[0].namespace != child.namespace:
                    raise Refused(
                        "xml_ambiguous",
                        f"The XML has {child.name[:60]} twice in one place, in two namespaces.",
                    )
                alike.append(child)
        for name in step.split("|"):
            if name in self._children:
                return self._children[name]
        return []


def looks_like_xml(head: bytes) -> bool:
    """Whether a file that begins with `head` wants to be XML, in any encoding read here."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head[2:64].replace(b"\0", b"").lstrip().startswith(b"<")
    return head.removeprefix(b"\xef\xbb\xbf").replace(b"\0", b"").lstrip().startswith(b"<")


def parse(data: bytes) -> Node:
    """The root of the document. Raises Refused: xml_doctype, xml_malformed, encoding, ..."""
    if len(data) > MOST_BYTES:
        raise Refused(
            "xml_too_large",
            f"The XML has {len(data) // 1024 // 1024} MB; at most "
            f"{MOST_BYTES // 1024 // 1024} MB are read.",
        )
    _look(data)
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        if "limit exceeded" in str(error):
            raise Refused("xml_too_large", f"The XML is too large: {str(error)[:200]}.") from error
        raise _malformed(str(error)) from error
    tree = root.getroottree()
    if tree.docinfo.doctype or tree.docinfo.internalDTD is not None:
        raise _doctype()
    return Node(root)


def _look(data: bytes) -> None:
    depth = elements = 0

    def started(_name: str, attributes: dict[str, str]) -> None:
        nonlocal depth, elements
        depth += 1
        elements += 1
        if depth > MOST_DEPTH:
            raise Refused(
                "xml_too_deep", f"The XML is nested more than {MOST_DEPTH} elements deep."
            )
        if elements > MOST_ELEMENTS or len(attributes) > MOST_ATTRIBUTES:
            raise Refused(
                "xml_too_large",
                f"The XML has more than {MOST_ELEMENTS} elements, or an element with more than "
                f"{MOST_ATTRIBUTES} attributes.",
            )

    def ended(_name: str) -> None:
        nonlocal depth
        depth -= 1

    def refuse(*_declaration: object) -> None:
        raise _doctype()

    parser = expat.ParserCreate()
    parser.StartElementHandler = started
    parser.EndElementHandler = ended
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse  # type: ignore[assignment]
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        if error.code in _ENCODING_ERRORS:
            raise _encoding(str(error)) from error
        if error.code == expat.errors.codes[expat.errors.XML_ERROR_INVALID_TOKEN]:
            raise _invalid_token(data, error) from error
        raise _malformed(str(error)) from error
    except (LookupError, UnicodeError, ValueError) as error:
        # An encoding that Python knows and expat cannot use: many bytes to a character.
        raise _encoding(str(error)) from error


def _invalid_token(data: bytes, error: expat.ExpatError) -> Refused:
    """expat calls a byte that UTF-8 does not know an invalid token, as it does a stray `<`."""
    declared = data[:200].lower()
    if b"encoding" not in declared or b"utf-8" in declared:
        try:
            data.decode("utf-8")
        except UnicodeDecodeError as undecodable:
            if not data.startswith((b"\xff\xfe", b"\xfe\xff")):
                return _encoding(str(undecodable))
    return _malformed(str(error))


def _doctype() -> Refused:
    return Refused(
        "xml_doctype",
        "The XML has a DOCTYPE or declares entities. No invoice needs them, and they can make a "
        "program read other files; ask the sender for a file without.",
    )


def _malformed(detail: str) -> Refused:
    return Refused("xml_malformed", f"The XML is broken: {detail[:200]}.")


def _encoding(detail: str) -> Refused:
    return Refused(
        "encoding",
        f"The characters of the XML are not in the encoding that it names, or in one that is "
        f"not read here: {detail[:200]}.",
    )
