"""Where nodes stand that a release brings into a workflow that a tenant arranged."""

import math
from collections import defaultdict

SIZE = 100.0
"""n8n draws a node as a square of nearly this side."""
GAP_X, GAP_Y = 140.0, 150.0
"""Clear of the neighbour's box and of the label under it."""
Position = list[float]


def overlap(one: Position, other: Position) -> bool:
    return abs(one[0] - other[0]) < SIZE and abs(one[1] - other[1]) < SIZE


def placed(
    fixed: dict[str, Position],
    arriving: dict[str, Position],
    together: dict[str, Position],
) -> dict[str, Position]:
    """Positions for the arriving nodes that overlap nothing that stands there.

    A node moves down, column by column, until it is clear. `together` are the positions in the
    release: two nodes that overlap there already are left as they are, since somebody drew it so.
    """
    grid: dict[tuple[int, int], list[tuple[str, Position]]] = defaultdict(list)
    for name, at in fixed.items():
        grid[_cell(at)].append((name, at))
    result = {}
    reached: dict[tuple[int, int], float] = {}
    for name, wanted in arriving.items():
        at = list(wanted)
        if _blockers(grid, name, at, together, SIZE, SIZE):
            at[1] = max(at[1], reached.get(_cell(wanted), at[1]))
            while found := _blockers(grid, name, at, {}, GAP_X, GAP_Y):
                at[1] = max(other[1] for other in found) + GAP_Y
            reached[_cell(wanted)] = at[1]
        grid[_cell(at)].append((name, at))
        result[name] = at if at != list(wanted) else wanted
    return result


def _cell(at: Position) -> tuple[int, int]:
    return math.floor(at[0] / GAP_X), math.floor(at[1] / GAP_Y)


def _blockers(
    grid: dict[tuple[int, int], list[tuple[str, Position]]],
    name: str,
    at: Position,
    together: dict[str, Position],
    width: float,
    height: float,
) -> list[Position]:
    column, row = _cell(at)
    return [
        other
        for x in (column - 1, column, column + 1)
        for y in (row - 1, row, row + 1)
        for neighbour, other in grid.get((x, y), ())
        if abs(other[0] - at[0]) < width
        and abs(other[1] - at[1]) < height
        and not (
            name in together
            and neighbour in together
            and overlap(together[name], together[neighbour])
        )
    ]
