"""What stands on a tenant's page below its own fields, each brought by the module that owns it."""

_inlines: list[type] = []


def register_inline(inline: type) -> None:
    """An inline of rows that point to the tenant; shown in the order in which they come."""
    _inlines.append(inline)


def inlines() -> list[type]:
    return list(_inlines)
