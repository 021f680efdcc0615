"""Units of measure, by the codes of UN/ECE Recommendation 20."""

# Codes that purchasing systems use for “one piece”; nothing else is ever taken for the same.
_PIECES = frozenset({"C62", "H87", "EA", "PCE", "PCS", "PC", "ST", "STK", "NAR", "NMP", "XPP"})


def differ(one: str, other: str) -> bool:
    """Whether two codes certainly mean different units; where one is missing nobody can tell."""
    first, second = one.strip().upper(), other.strip().upper()
    if not first or not second or first == second:
        return False
    return not (first in _PIECES and second in _PIECES)
