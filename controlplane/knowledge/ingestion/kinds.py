"""Which kind of document a file is, from its name and content type."""

from pathlib import PurePosixPath

from controlplane.core.errors import DomainError, FieldError
from controlplane.knowledge.models import DocumentVersion

Kind = DocumentVersion.Kind

_BY_SUFFIX = {
    ".md": Kind.MARKDOWN, ".markdown": Kind.MARKDOWN,
    ".html": Kind.HTML, ".htm": Kind.HTML, ".xhtml": Kind.HTML,
    ".txt": Kind.TEXT, ".text": Kind.TEXT,
    ".pdf": Kind.PDF,
    ".csv": Kind.FAQ, ".tsv": Kind.FAQ,
}  # fmt: skip
_BY_CONTENT_TYPE = {
    "text/markdown": Kind.MARKDOWN,
    "text/html": Kind.HTML,
    "application/xhtml+xml": Kind.HTML,
    "text/plain": Kind.TEXT,
    "application/pdf": Kind.PDF,
    "text/csv": Kind.FAQ,
    "text/tab-separated-values": Kind.FAQ,
}


class KindUnknown(DomainError):
    code = "document_kind_unknown"
    status = 415
    title = "Documents of this kind are not read"


def kind_of(filename: str, content_type: str = "", given: str = "") -> Kind:
    """What was given, else what the name's end says, else the content type. Raises KindUnknown."""
    if given:
        if given in Kind.values:
            return Kind(given)
        raise KindUnknown(
            f"There is no kind “{given}”. Kinds are {', '.join(Kind.values)}.",
            errors=(FieldError("kind", "is not known"),),
        )
    suffix = PurePosixPath(filename.lower()).suffix
    plain_type = content_type.partition(";")[0].strip().lower()
    kind = _BY_SUFFIX.get(suffix) or _BY_CONTENT_TYPE.get(plain_type)
    if kind is None:
        raise KindUnknown(
            f"“{filename}” is none of {', '.join(sorted(_BY_SUFFIX))}. Save it as one of these, or "
            "say its kind.",
            errors=(FieldError("file", "is of an unknown kind"),),
        )
    return kind
