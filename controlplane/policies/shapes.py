"""What the values of a context look like: enough to know which fields exist and how long lists get.

Built from the dotted names that a context declares: `order.lines.sku` is a text in each element of
`order.lines` when `order.lines` has a bound.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Scalar:
    """Text, whole number or truth value."""

    weight: int = 1


@dataclass(frozen=True)
class Open:
    """A value whose form is somebody else's business, as a parameter's is the template's and an
    argument's the tool's: anything may be read from it, and no list in it gone through.
    """

    weight: int = 64


@dataclass(frozen=True)
class Record:
    """A map with known fields; `is_open` also lets unknown names through, as `params` does."""

    fields: Mapping[str, "Shape"]
    is_open: bool = False

    @property
    def weight(self) -> int:
        return 4 + sum(shape.weight for shape in self.fields.values())


@dataclass(frozen=True)
class ListOf:
    """At most `bound` elements of one shape."""

    bound: int
    element: "Shape"

    @property
    def weight(self) -> int:
        return 2 + self.bound * self.element.weight


Shape = Scalar | Open | Record | ListOf


def record_of(
    names: Iterable[str],
    bounds: Mapping[str, int],
    *,
    open_records: Collection[str] = (),
    path: str = "",
) -> Record:
    """The record that dotted `names` below `path` describe."""
    children: dict[str, list[str]] = {}
    for name in names:
        head, _dot, rest = name.partition(".")
        children.setdefault(head, [])
        if rest:
            children[head].append(rest)
    fields: dict[str, Shape] = {}
    for head, rests in children.items():
        here = f"{path}.{head}" if path else head
        value: Shape = Open() if here in open_records else Scalar()
        if rests:
            value = record_of(rests, bounds, open_records=open_records, path=here)
        fields[head] = ListOf(bounds[here], value) if here in bounds else value
    return Record(fields)


def heavier(one: Shape, other: Shape) -> Shape:
    """A shape that stands for either; the walker asks no more of it than both can give."""
    if type(one) is type(other):
        return max(one, other, key=lambda shape: shape.weight)
    return Open(weight=max(one.weight, other.weight))
