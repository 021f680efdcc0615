"""PDF: its text by pdfium, put together into paragraphs again."""

import re
from collections import Counter
from itertools import chain

import pypdfium2

from controlplane.knowledge.ingestion.blocks import Block, Reading, Refused, one_line

MOST_PAGES = 2_000
_PASSWORD = "password"  # noqa: S105  (a word in pdfium's message)
_BULLET = re.compile(r"\s*(?:[•‣◦▪–—*-]|\(?\d{1,3}[.)])\s")
_ENDS = (".", "!", "?", ":", "…", "。")


def read(path: str) -> Reading:
    """Raises Refused where it is encrypted, broken, too long or a scan."""
    try:
        document = pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        raise _refusal(error) from error
    count = len(document)
    if count > MOST_PAGES:
        raise Refused(
            "too_many_pages", f"The PDF has {count} pages; {MOST_PAGES} are the most. Split it."
        )
    pages, notes = [], []
    for number in range(count):
        try:
            pages.append(_lines(document[number]))
        except pypdfium2.PdfiumError:
            notes.append(f"Page {number + 1} is damaged and was left out.")
    pages = _without_running_titles(pages)
    blocks = _paragraphs(list(chain.from_iterable(pages)))
    if not blocks:
        raise Refused(
            "no_text",
            "The PDF holds no text, so it is a scan or a drawing. Run text recognition over it "
            "and upload the result.",
        )
    return Reading(blocks, notes)


def _refusal(error: Exception) -> Refused:
    if _PASSWORD in str(error).lower():
        return Refused(
            "encrypted", "The PDF is protected by a password. Upload it without protection."
        )
    return Refused("pdf_broken", "The file is not a PDF, or a damaged one. Save it anew.")


def _lines(page: pypdfium2.PdfPage) -> list[str]:
    text = page.get_textpage().get_text_range()
    # What pdfium takes for a hyphen of hyphenation it marks, and joins the word itself or not.
    joined = text.replace("\ufffe\r\n", "").replace("\ufffe", "")
    return [line.rstrip() for line in joined.split("\r\n")]


def _without_running_titles(pages: list[list[str]]) -> list[list[str]]:
    """Without the first and last lines that most pages share, but for their numbers."""
    if len(pages) < 3:
        return pages
    seen = Counter(key for page in pages for key in {_key(line) for line in _edges(page)})
    running = {key for key, count in seen.items() if count > len(pages) * 0.6}
    kept = []
    for page in pages:
        lines = [line for line in page if line.strip()]
        while lines and _key(lines[0]) in running:
            lines = lines[1:]
        while lines and _key(lines[-1]) in running:
            lines = lines[:-1]
        kept.append(lines)
    return kept


def _edges(page: list[str]) -> list[str]:
    lines = [line for line in page if line.strip()]
    return [*lines[:2], *lines[-2:]]


def _key(line: str) -> str:
    return re.sub(r"\d+", "#", one_line(line))


def _paragraphs(lines: list[str]) -> list[Block]:
    """Lines joined until one ends early with a full stop, or the next begins something new."""
    usual = sorted(len(line) for line in lines if line.strip())
    full = usual[len(usual) * 3 // 4] if usual else 0
    paragraphs: list[list[str]] = [[]]
    for line in lines:
        if not line.strip() or _BULLET.match(line):
            paragraphs.append([])
        if line.strip():
            paragraphs[-1].append(line.strip())
            if len(line) < full * 0.8 and line.rstrip().endswith(_ENDS):
                paragraphs.append([])
    return [Block(_joined(paragraph)) for paragraph in paragraphs if paragraph]


def _joined(lines: list[str]) -> str:
    text = lines[0]
    for line in lines[1:]:
        if re.search(r"\w-$", text) and line[:1].islower():
            text = text[:-1] + line
        else:
            text = f"{text} {line}"
    return text
