"""What counts as the same unit, company or description."""

import pytest

from controlplane.invoices.matching.similarity import ALIKE, is_same_company, likeness
from controlplane.invoices.matching.units import differ


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("KGM", "kgm", False),
        ("C62", "H87", False),
        ("EA", "STK", False),
        ("KGM", "GRM", True),
        ("C62", "KGM", True),
        ("", "KGM", False),
    ],
)
def test_units(one: str, other: str, expected: bool) -> None:
    assert differ(one, other) == differ(other, one) == expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("Nordwind Seile GmbH", "NORDWIND SEILE", True),
        ("Müller & Söhne GmbH & Co. KG", "Muller Sohne", True),
        ("Moderna Produkter AB", "Moderna Produkter", True),
        ("Consortial", "The Terminus", False),
        ("Nordwind GmbH", "Suedwind GmbH", False),
        ("GmbH", "AG", False),
        ("", "Nordwind", False),
    ],
)
def test_companies(one: str, other: str, expected: bool) -> None:
    assert is_same_company(one, other) == is_same_company(other, one) == expected


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("Mooring rope 10 mm", "Rope, mooring, 10 mm", True),
        ("Mooring rope 10 mm white", "Mooring rope 10 mm", True),
        ("Mooring rope 10 mm", "Steel hook", False),
        ("", "", False),
        ("...", "...", False),
    ],
)
def test_descriptions(one: str, other: str, alike: bool) -> None:
    assert (likeness(one, other) >= ALIKE) == alike
