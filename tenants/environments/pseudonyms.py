"""Customer data replaced by made-up data of the same shape: alike in, alike out, no way back.

Each copy has a key of its own, which is thrown away: within one copy a person stays one person,
and afterwards nobody, Pergola included, can tell who it was. Names are common words, addresses and
telephone numbers are of the ranges that are reserved for examples (RFC 2606, 555-01xx).
"""

import hashlib
import hmac
import re
import secrets
from typing import Any

FIRST = (
    "Alex", "Charlie", "Dana", "Eli", "Jona", "Jules", "Kim", "Luca", "Mika", "Nikola", "Noa",
    "Rene", "Robin", "Sam", "Sascha", "Toni",
)  # fmt: skip
LAST = (
    "Anders", "Berger", "Castell", "Dorn", "Ekholm", "Falk", "Gruber", "Hale", "Ivens", "Jansen",
    "Kessler", "Lund", "Moser",
)  # fmt: skip
TRADES = (
    "Harbour Supply", "Lantern Company", "Paper Mill", "Rope Works", "Sailworks", "Ship Stores",
)  # fmt: skip
WORDS = (
    "about", "the", "order", "that", "was", "placed", "last", "week", "please", "look", "at",
    "what", "we", "wrote", "and", "let", "us", "know", "whether", "anything", "is", "missing",
)  # fmt: skip
MOST_WORDS = 200
# Of what people have typed in; whatever else stands there is replaced.
CODE = re.compile(r"[A-Za-z0-9#][A-Za-z0-9_./#-]{0,39}")
AMOUNT = re.compile(r"-?\d{1,12}([.,]\d{1,10})?")
MOMENT = re.compile(
    r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})?)?"
)
# Keys of a JSON whose short words are kept: they say what kind a thing is, not whose.
OF_A_KIND = frozenset({
    "api_version", "category", "code", "country", "country_code", "currency", "currency_code",
    "financial_status", "fulfillment_service", "fulfillment_status", "grams", "kind", "language",
    "presentment_currency", "province_code", "severity", "sku", "source_name", "status", "syntax",
    "tax_category", "type", "type_code", "unit", "unit_code", "value_type", "verdict",
})  # fmt: skip
PERSONAL = re.compile(
    r"name|mail|phone|mobile|fax|address|street|line\d|city|town|zip|post|lat|long|iban|bic|vat"
    r"|tax_(id|number)|registration|account|card|company|customer|buyer|seller|user|contact|person"
    r"|note|comment|text|message|title|description|token|secret|key|password|url|link|ip$|browser"
    r"|landing|referr|gateway|tags?$"
)
_PLAIN_KEY = re.compile(r"[a-z][A-Za-z0-9_]{0,39}")


class Pseudonyms:
    """One copy's, with a key that goes when the object does."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def digest(self, text: str) -> str:
        """64 hex digits, in place of the digest of a content."""
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()

    def number(self, text: str, below: int) -> int:
        return int(self.digest(text)[:15], 16) % below

    def name(self, text: str) -> str:
        seen = " ".join(text.lower().split())
        first = FIRST[self.number(f"first {seen}", len(FIRST))]
        last = LAST[self.number(f"last {seen}", len(LAST))]
        return f"{first} {last} {self.digest(seen)[:4]}"

    def company(self, text: str) -> str:
        seen = " ".join(text.lower().split())
        return f"{TRADES[self.number(seen, len(TRADES))]} {self.digest(seen)[:4]}"

    def email(self, text: str) -> str:
        return f"person-{self.digest(text.strip().lower())[:10]}@customer.example"

    def phone(self, text: str) -> str:
        return f"+1 202 555 01{self.number(text, 100):02}"

    def text(self, text: str) -> str:
        """About as long, of words that mean nothing in particular."""
        count = min(len(text.split()), MOST_WORDS)
        start = self.number(text, len(WORDS))
        return " ".join(WORDS[(start + at) % len(WORDS)] for at in range(count))

    def code(self, text: str) -> str:
        """A sku or a number of a paper as it is; anything else becomes one."""
        return text if CODE.fullmatch(text) else f"C-{self.digest(text)[:10].upper()}"

    def id(self, text: str) -> str:
        """Of a person or thing in another system: digits stay digits."""
        if text.isdecimal():
            return str(10**12 + self.number(text, 10**12))
        return f"x-{self.digest(text)[:16]}"

    def tax_id(self, text: str) -> str:
        country = text[:2].upper() if re.match(r"[A-Za-z]{2}", text) else ""
        return f"{country}{self.number(text, 10**9):09}"

    def iban(self, text: str) -> str:
        """Of the same country, with check digits that hold, of an account that nobody has."""
        country = text[:2].upper() if re.match(r"[A-Z]{2}\d", text) else "DE"
        account = f"{self.number(text, 10**17):018}"
        digits = "".join(str(int(letter, 36)) for letter in f"{account}{country}00")
        return f"{country}{98 - int(digits) % 97:02}{account}"

    def filename(self, text: str) -> str:
        ending = re.search(r"\.[A-Za-z0-9]{1,5}$", text)
        return f"document-{self.digest(text)[:8]}{ending.group().lower() if ending else ''}"

    def json(self, value: Any, key: str = "") -> Any:
        """Amounts, dates, skus and kinds as they are; every other word is replaced."""
        match value:
            case dict():
                return {self._json_key(k): self.json(v, str(k)) for k, v in value.items()}
            case list():
                return [self.json(item, key) for item in value]
            case bool() | None | float():
                return value
            case int():
                is_id = key.lower().endswith("id") or PERSONAL.search(key.lower())
                return int(self.id(str(value))) if is_id and value >= 0 else value
            case _:
                return self._json_text(str(value), key)

    def _json_key(self, key: str) -> str:
        return key if _PLAIN_KEY.fullmatch(key) else f"k_{self.digest(key)[:10]}"

    def _json_text(self, text: str, key: str) -> str:
        key = key.lower()
        if not text:
            return text
        if key == "name" and re.fullmatch(r"#[A-Z-]{0,8}\d{1,12}", text):
            return text  # Shopify calls an order's number its name
        if key in OF_A_KIND and CODE.fullmatch(text):
            return text
        if key.endswith("id"):
            return self.id(text)
        for mark, change in (
            ("mail", self.email), ("phone", self.phone), ("iban", self.iban), ("vat", self.tax_id),
            ("company", self.company), ("name", self.name),
        ):  # fmt: skip
            if mark in key:
                return change(text)
        if not PERSONAL.search(key) and (AMOUNT.fullmatch(text) or MOMENT.fullmatch(text)):
            return text
        return self.text(text)
