"""Bank accounts as they are compared, and as they are told."""

_SHOWN = 4


def plain_iban(iban: str) -> str:
    return "".join(char for char in iban if char.isalnum()).upper()


def masked_iban(iban: str) -> str:
    """`DE79 … 7890`: enough to recognise it by, and not the whole of it."""
    plain = plain_iban(iban)
    if len(plain) <= 3 * _SHOWN:
        return f"… {plain[-_SHOWN:]}" if len(plain) > _SHOWN else plain
    return f"{plain[:_SHOWN]} … {plain[-_SHOWN:]}"
