"""What the fields of an invoice are called, in English, German, French, Spanish, Dutch, Italian
and Polish. A strong label names the field alone; a weak one may mean something else nearby."""

import re

# A number sign as people write it: No., Nr., N°, Nº, #, núm.
_NO = r"(?:n[o°ºr]\.?|num(?:ber|mer|éro|ero|er)?\.?|nummer|nú?m\.?|#|n\.)"


def _any(*labels: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{'|'.join(labels)})(?!\w)", re.IGNORECASE)


STRONG = {
    "number": _any(
        rf"(?:tax )?invoice\s*{_NO}",
        r"rechnungs?-?\s?(?:nummer|nr\.?)",
        rf"\w*(?:rechnung|gutschrift)(?: \([^()]*\)){{0,3}} {_NO}",
        rf"facture\s*{_NO}",
        rf"{_NO}\s*(?:de\s)?facture",
        rf"factura\s*{_NO}",
        rf"{_NO}\s*(?:de\s)?factura",
        r"factuur-?\s?(?:nummer|nr\.?)",
        rf"fattura\s*{_NO}",
        rf"{_NO}\s*fattura",
        rf"faktura\s*(?:vat\s*)?{_NO}",
        rf"{_NO}\s*faktury",
    ),
    "issue_date": _any(
        r"invoice date",
        r"date of (?:issue|invoice)",
        r"issue date",
        r"rechnungs-?datum",
        r"beleg-?datum",
        r"date (?:de |d['’])(?:facture|facturation|émission)",
        r"fecha (?:de )?(?:la )?(?:factura|emisión|expedición)",
        r"factuurdatum",
        r"data (?:della )?(?:fattura|emissione|documento)",
        r"data wystawienia",
    ),
    "due_date": _any(
        r"(?:payment )?due date",
        r"due on",
        r"fällig(?:keit(?:sdatum)?)?(?: (?:am|bis|zum))?",
        r"zahlbar bis(?: zum)?",
        r"(?:date d['’])?échéance",
        r"(?:fecha de )?vencimiento",
        r"vervaldatum",
        r"(?:data (?:di )?)?scadenza",
        r"termin płatności",
    ),
    "total": _any(
        r"(?:total )?amount (?:due|payable)",
        r"(?:total|balance) due",
        r"(?:grand|invoice) total",
        r"total (?:for this )?invoice",
        r"zahl(?:ungs)?betrag",
        r"rechnungs(?:end)?betrag",
        r"gesamtbetrag(?! der)",
        r"brutto(?:summe|betrag)",
        r"end(?:betrag|summe)",
        r"zu zahlen(?:der betrag)?",
        r"total t\.?t\.?c\.?",
        r"net à payer",
        r"montant (?:total|à payer)",
        r"total (?:a pagar|factura)",
        r"importe total",
        r"(?:totaal )?te betalen",
        r"totaal(?:bedrag| incl(?:usief)?\.?)",
        r"totale (?:fattura|documento|da pagare)",
        r"importo totale",
        r"(?:razem )?do zapłaty",
        r"należność ogółem",
        r"kwota brutto",
    ),
    "net": _any(
        r"sub-?total",
        r"net (?:amount|total)",
        r"total excl(?:uding|\.)?(?: (?:vat|tax))?",
        r"netto(?:betrag|summe)",
        r"zwischensumme",
        r"rechnungssumme ohne ust\.?",
        r"(?:total|montant) h\.?t\.?",
        r"base imponible",
        r"subtotaal",
        r"totaal excl(?:usief)?\.?",
        r"(?:totale )?imponibile",
        r"(?:wartość|razem|kwota) netto",
    ),
    "tax": _any(
        r"vat(?: amount)?(?!\s*(?:/|id|no|nr|reg))",
        r"sales tax",
        r"tax(?: amount)?",
        r"(?:zzgl\. )?(?:mwst|ust|mehrwertsteuer|umsatzsteuer)\.?",
        r"steuerbetrag",
        r"t\.?v\.?a\.?",
        r"(?:cuota )?i\.?v\.?a\.?",
        r"btw(?:-bedrag)?",
        r"imposta",
        r"kwota vat",
    ),
    "order_number": _any(
        rf"(?:purchase |your )?order\s*(?:{_NO}|id)",
        rf"p\.?o\.?\s*{_NO}",
        r"bestell(?:ung)?-?\s?(?:nummer|nr\.?)",
        r"(?:ihre )?bestellung",
        r"auftrags-?\s?(?:nummer|nr\.?)",
        rf"(?:bon de )?commande\s*{_NO}",
        rf"{_NO}\s*(?:de\s)?commande",
        rf"pedido\s*{_NO}",
        rf"{_NO}\s*(?:de\s)?pedido",
        r"(?:order|bestel)nummer",
        rf"(?:{_NO}\s*)?ordine(?: d['’]acquisto)?(?:\s*{_NO})?",
        rf"(?:{_NO}\s*)zamówienia|zamówienie\s*{_NO}",
    ),
}
WEAK = {
    "number": _any(
        r"invoice", r"rechnung", r"facture", r"factura", r"factuur", r"fattura", r"faktura", r"#"
    ),
    "issue_date": _any(r"date", r"datum", r"vom", r"fecha", r"data", r"dated?", r"du", r"del"),
    "total": _any(r"total", r"gesamt", r"summe", r"totaal", r"totale", r"suma", r"razem"),
}
