"""Amounts and dates as people write them, and what the labels of seven languages lead to."""

import pytest

from controlplane.invoices.reading import fields
from controlplane.invoices.reading.page import Line, Word
from controlplane.invoices.reading.written import amounts, dates


def lines(*texts: str) -> list[Line]:
    """Each word 6 points wide a letter, each line 20 points under the one before."""
    made = []
    for number, text in enumerate(texts):
        words = []
        at = 0
        for word in text.split():
            at = text.index(word, at)
            left = 50 + 6 * at
            top = 50 + 20 * number
            words.append(Word(word, left, top, left + 6 * len(word), top + 10))
            at += len(word)
        made.append(Line(1, tuple(words)))
    return made


def found(*texts: str) -> dict[str, tuple[str, float]]:
    return {
        field["name"]: (field["value"], field["confidence"]) for field in fields.find(lines(*texts))
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.234,56 €", "1234.56"),
        ("$1,234.56", "1234.56"),
        ("1 234,56 zł", "1234.56"),
        ("CHF 1'234.50", "1234.50"),
        ("12,5", "12.5"),
        ("-17.00", "-17.00"),
        ("19 % 54,44", "54.44"),
        ("1.234.567,89", "1234567.89"),
    ],
)
def test_an_amount_is_read_in_any_notation(text: str, value: str) -> None:
    assert next(amounts(text))[0] == value


@pytest.mark.parametrize("text", ["", "19 %", "12.10.2024", "١٢٣", "AB12", "1234567890123"])
def test_what_is_no_amount_is_not_read_as_one(text: str) -> None:
    assert next(amounts(text), None) is None


def test_thousands_that_may_be_decimals_are_less_sure() -> None:
    assert next(amounts("1.234"))[1] < next(amounts("1.234,00"))[1]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2024-03-09", "2024-03-09"),
        ("09.03.2024", "2024-03-09"),
        ("9.3.24", "2024-03-09"),
        ("31/12/2023", "2023-12-31"),
        ("12/31/2023", "2023-12-31"),
        ("March 9, 2024", "2024-03-09"),
        ("9. März 2024", "2024-03-09"),
        ("9 mars 2024", "2024-03-09"),
        ("9 de marzo de 2024", "2024-03-09"),
        ("9 maart 2024", "2024-03-09"),
        ("1er août 2024", "2024-08-01"),
        ("9 października 2024", "2024-10-09"),
        ("9 dicembre 2024", "2024-12-09"),
    ],
)
def test_a_date_is_read_in_any_notation(text: str, value: str) -> None:
    assert next(dates(text))[0] == value


@pytest.mark.parametrize("text", ["31.02.2024", "99/99/9999", "9 foo 2024", "2024", ""])
def test_what_is_no_date_is_not_read_as_one(text: str) -> None:
    assert next(dates(text), None) is None


def test_a_date_that_two_continents_read_differently_is_less_sure() -> None:
    assert next(dates("03/04/2024"))[1] < next(dates("03/14/2024"))[1]


@pytest.mark.parametrize(
    ("number", "day", "total", "order"),
    [
        ("Invoice No: A-17", "Invoice date: 9 March 2024", "Amount due 119.00", "PO number 4711"),
        (
            "Rechnungsnummer: A-17",
            "Rechnungsdatum 09.03.2024",
            "Zahlbetrag 119,00",
            "Bestellnr. 4711",
        ),
        (
            "Facture n° A-17",
            "Date de facture : 09/03/2024",
            "Total TTC 119,00 €",
            "Commande n° 4711",
        ),
        (
            "Factura nº A-17",
            "Fecha de emisión 09/03/2024",
            "Total a pagar 119,00",
            "Pedido nº 4711",
        ),
        ("Factuurnummer A-17", "Factuurdatum 09-03-2024", "Te betalen 119,00", "Ordernummer 4711"),
        ("Fattura n. A-17", "Data fattura 09/03/2024", "Totale fattura 119,00", "Ordine n. 4711"),
        (
            "Faktura VAT nr A-17",
            "Data wystawienia: 2024-03-09",
            "Do zapłaty 119,00",
            "Zamówienie nr 4711",
        ),
    ],
    ids=["en", "de", "fr", "es", "nl", "it", "pl"],
)
def test_the_labels_of_seven_languages(number: str, day: str, total: str, order: str) -> None:
    fields = found(number, day, order, total)

    assert fields["number"][0] == "A-17"
    assert fields["issue_date"][0] == "2024-03-09"
    assert fields["total"][0] in {"119.00"}
    assert fields["order_number"][0] == "4711"


def test_amounts_that_add_up_are_preferred_and_surer() -> None:
    alone = found("Total 119.00")
    fields = found("Net amount 100.00", "VAT 19% 19.00", "VAT 2.50", "Total 119.00", "Total 999.00")

    assert {name: fields[name][0] for name in ("net", "tax", "total")} == {
        "net": "100.00",
        "tax": "19.00",
        "total": "119.00",
    }
    assert fields["net"][1] > 0.9
    assert alone["total"][1] < 0.6


def test_amounts_that_contradict_each_other_are_in_doubt() -> None:
    fields = found("Net amount 100.00", "VAT amount 19.00", "Amount due 300.00")

    assert fields["total"][1] < found("Amount due 300.00")["total"][1]


def test_two_values_that_are_as_likely_are_less_sure() -> None:
    once = found("Invoice number A-17")["number"][1]

    assert found("Invoice number A-17", "Invoice number B-18")["number"][1] < once


def test_the_value_may_stand_under_its_label() -> None:
    assert found("Invoice number      Invoice date", "A-17                2024-03-09") | {} == {
        "number": ("A-17", pytest.approx(0.68, abs=0.05)),
        "issue_date": ("2024-03-09", pytest.approx(0.68, abs=0.05)),
    }


def test_an_iban_is_sure_if_its_check_digits_hold() -> None:
    assert found("IBAN DE89 3704 0044 0532 0130 00")["iban"] == ("DE89370400440532013000", 0.97)
    assert found("IBAN DE88 3704 0044 0532 0130 00")["iban"][1] == 0.2
    assert "iban" not in found("Ref DE88 3704 0044 0532 0130 00")


def test_vat_id_and_currency() -> None:
    fields = found("USt-IdNr.: DE 136 695 976", "Summe 12,00 €")

    assert fields["vat_id"][0] == "DE136695976"
    assert fields["currency"] == ("EUR", 0.9)


def test_long_and_odd_texts_are_read_to_their_end() -> None:
    """An expression that goes back and forth would take minutes for each."""
    odd = lines("9 " * 5_000, "invoice " * 2_000, "a" * 50_000, "1." * 5_000, "- " * 5_000)

    assert "total" not in fields.find(odd)


def test_text_without_any_label_gives_nothing() -> None:
    assert found("Hello", "world") == {}
