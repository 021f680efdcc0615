"""What a mutant is, and how it gets into a process."""

import sys
from dataclasses import dataclass
from importlib.abc import Loader
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any

ROOT = Path(__file__).parents[2]
MATRIX = "tests/integration/isolation/test_"


class Stale(Exception):
    """The text that a mutant replaces is not in the file any more, or is there twice."""


@dataclass(frozen=True)
class Mutant:
    """`tests` are modules of the matrix, or paths; `only` narrows them as pytest's -k does.

    `in_database`: what is changed are rights, so they are granted anew before and afterwards.
    """

    name: str
    removes: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    only: str = ""
    in_database: bool = False

    @property
    def expression(self) -> str:
        """What pytest's -k is given to choose exactly this mutant's tests among others."""
        files = " or ".join(path.rpartition("/")[2].removesuffix(".py") for path in self.paths)
        return f"(({files}) and ({self.only}))" if self.only else f"({files})"

    @property
    def paths(self) -> list[str]:
        return [test if "/" in test else f"{MATRIX}{test}.py" for test in self.tests]

    def mutated(self) -> str:
        """The file's text with the mutation. Raises Stale."""
        text = (ROOT / self.file).read_text(encoding="utf-8")
        if (count := text.count(self.old)) != 1:
            raise Stale(
                f"mutant {self.name}: its text is {count} times in {self.file} and has to be there "
                "once. Write into tests/mutation what the guard looks like now."
            )
        return text.replace(self.old, self.new)


class _Mutated(SourceFileLoader):
    def __init__(self, name: str, path: str, mutant: Mutant) -> None:
        super().__init__(name, path)
        self.mutant = mutant

    def get_code(self, fullname: str) -> CodeType:
        # Past the cached bytecode, which is of the file as it is.
        return compile(self.mutant.mutated(), self.path, "exec")


class _Finder:
    def __init__(self, mutant: Mutant) -> None:
        self.mutant, self.is_used = mutant, False
        self.module = mutant.file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name != self.module:
            return None
        spec = PathFinder.find_spec(name, path, target)
        assert spec is not None
        loader: Loader = _Mutated(name, str(ROOT / self.mutant.file), self.mutant)
        spec.loader, self.is_used = loader, True
        return spec


def put_in(mutant: Mutant) -> _Finder:
    """From here on this process imports the mutated file. Raises Stale."""
    mutant.mutated()
    finder = _Finder(mutant)
    if finder.module in sys.modules:
        raise RuntimeError(f"{finder.module} is imported already: the mutant would change nothing")
    sys.meta_path.insert(0, finder)
    return finder
