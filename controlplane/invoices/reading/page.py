"""The pages of a PDF through PDFium: words with the place where they stand, and pictures."""

import base64
import io
from dataclasses import dataclass
from typing import Any

import pypdfium2 as pdfium

from controlplane.invoices.reading.refusal import Refused

MOST_PAGES_OF_TEXT = 50
MOST_CHARACTERS = 200_000
MOST_WIDTH = 1600
MOST_PIXELS = 8_000_000


@dataclass(frozen=True)
class Word:
    text: str
    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True)
class Line:
    """Words that stand beside each other; places are in points from the page's top left."""

    page: int  # from 1
    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)

    def box(self, start: int, end: int) -> list[float]:
        """Left, top, right, bottom of the words that `text[start:end]` touches."""
        at = 0
        touched = []
        for word in self.words:
            if at < end and at + len(word.text) > start:
                touched.append(word)
            at += len(word.text) + 1
        touched = touched or list(self.words)
        return [
            round(min(word.left for word in touched), 1),
            round(min(word.top for word in touched), 1),
            round(max(word.right for word in touched), 1),
            round(max(word.bottom for word in touched), 1),
        ]


def open_pages(data: bytes) -> pdfium.PdfDocument:
    try:
        return pdfium.PdfDocument(data)
    except pdfium.PdfiumError as error:
        raise Refused(
            "pdf_broken", f"The PDF is broken: {error}. Ask the sender for it again."
        ) from error


def read_lines(document: pdfium.PdfDocument) -> list[Line]:
    """The lines of the first pages, in reading order as far as their places tell."""
    lines: list[Line] = []
    characters = 0
    for number in range(min(len(document), MOST_PAGES_OF_TEXT)):
        try:
            page = document[number]
            words, read = _words(page, MOST_CHARACTERS - characters)
        except pdfium.PdfiumError:
            # A page that cannot be shown has no text; the other pages may.
            continue
        characters += read
        lines.extend(Line(number + 1, row) for row in _rows(words))
        page.close()
        if characters >= MOST_CHARACTERS:
            break
    return lines


def picture(data: bytes, *, page: int, width: int) -> dict[str, Any]:
    """One page as PNG in base64, `page` from 1. Raises Refused: pdf_broken, page_missing."""
    document = open_pages(data)
    if not 1 <= page <= len(document):
        raise Refused("page_missing", f"The document has {len(document)} pages.")
    try:
        shown = document[page - 1]
        wide, high = shown.get_size()
        if not (wide > 0 and high > 0):
            raise Refused("pdf_broken", f"Page {page} has no size.")
        # PDFium rounds the picture's size up.
        scale = (min(max(width, 16), MOST_WIDTH) - 0.5) / wide
        scale = min(scale, (MOST_PIXELS / (wide * high)) ** 0.5)
        image = shown.render(scale=scale, may_draw_forms=False).to_pil()
    except pdfium.PdfiumError as error:
        raise Refused("pdf_broken", f"Page {page} cannot be shown: {error}.") from error
    file = io.BytesIO()
    image.convert("RGB").save(file, "PNG", optimize=False)
    return {
        "png": base64.b64encode(file.getvalue()).decode(),
        "width": image.width,
        "height": image.height,
        "pages": len(document),
        "page_width": round(wide, 1),
        "page_height": round(high, 1),
    }


def _words(page: pdfium.PdfPage, most: int) -> tuple[list[Word], int]:
    text_page = page.get_textpage()
    left, _bottom, _right, top = page.get_bbox()
    words: list[Word] = []
    letters: list[str] = []
    boxes: list[tuple[float, float, float, float]] = []

    def finish() -> None:
        if letters:
            words.append(
                Word(
                    "".join(letters),
                    min(box[0] for box in boxes) - left,
                    top - max(box[3] for box in boxes),
                    max(box[2] for box in boxes) - left,
                    top - min(box[1] for box in boxes),
                )
            )
        letters.clear()
        boxes.clear()

    count = min(text_page.count_chars(), most)
    for index in range(count):
        code = pdfium.raw.FPDFText_GetUnicode(text_page, index)
        letter = chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else " "
        if letter.isspace() or not letter.isprintable():
            finish()
            continue
        box = text_page.get_charbox(index, loose=True)
        # The next column, or the next line, begins without a space between.
        if boxes and (
            box[0] - boxes[-1][2] > 1.5 * max(boxes[-1][3] - boxes[-1][1], 1)
            or box[2] < boxes[-1][0]
            or box[1] > boxes[-1][3]
            or box[3] < boxes[-1][1]
        ):
            finish()
        letters.append(letter)
        boxes.append(box)
    finish()
    text_page.close()
    return words, count


def _rows(words: list[Word]) -> list[tuple[Word, ...]]:
    """Words whose middles are at one height make a row, from left to right."""
    rows: list[list[Word]] = []
    for word in sorted(words, key=lambda word: (word.top + word.bottom) / 2):
        middle = (word.top + word.bottom) / 2
        if rows:
            last = rows[-1][-1]
            height = max(last.bottom - last.top, 1)
            if abs(middle - (last.top + last.bottom) / 2) < height * 0.4:
                rows[-1].append(word)
                continue
        rows.append([word])
    return [tuple(sorted(row, key=lambda word: word.left)) for row in rows]
