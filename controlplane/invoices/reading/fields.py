"""Placeholder until the marked fields are in."""

from controlplane.invoices.reading.page import Line


def find(lines: list[Line]) -> list[dict]:
    return []
