"""Where the code does something: found in its syntax trees, so that a new place shows itself."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from django.conf import settings

FOLDERS = ("controlplane", "tenants")


@cache
def trees() -> dict[str, ast.Module]:
    """Every module of the product, by its path; migrations run once and by the owner."""
    root = Path(settings.BASE_DIR)
    return {
        str(path.relative_to(root)): ast.parse(path.read_text(encoding="utf-8"))
        for folder in FOLDERS
        for path in sorted((root / folder).rglob("*.py"))
        if "migrations" not in path.parts
    }


def calls(*names: str) -> dict[str, int]:
    """How often each module calls one of these: `open`, `.read_bytes`, `redis.Redis`."""
    found: dict[str, int] = {}
    for path, tree in trees().items():
        count = sum(
            isinstance(node, ast.Call) and _is_called(node.func, names) for node in ast.walk(tree)
        )
        if count:
            found[path] = count
    return found


def _is_called(function: ast.expr, names: tuple[str, ...]) -> bool:
    last = getattr(function, "attr", getattr(function, "id", ""))
    if last not in {name.rpartition(".")[2] for name in names}:
        return False  # without the whole text, which takes long to put together
    text = ast.unparse(function)
    if text.endswith((".objects.open", "Image.open")):
        return False  # rows that are open, and a picture in memory
    return any(text == name or (name.startswith(".") and text.endswith(name)) for name in names)


@cache
def imports() -> dict[str, set[str]]:
    """The dotted names that each module imports."""
    return {
        path: set().union(*(_imported(node) for node in ast.walk(tree)))
        for path, tree in trees().items()
    }


def _imported(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names}
    if isinstance(node, ast.ImportFrom) and node.module:
        return {f"{node.module}.{alias.name}" for alias in node.names}
    return set()


def strings() -> Iterator[tuple[str, str]]:
    for path, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield path, node.value


def remembered() -> set[str]:
    """What a process keeps between requests: `module:name` of each cache and empty container."""
    found = set()
    for path, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                decorators = {ast.unparse(one).partition("(")[0] for one in node.decorator_list}
                if {one.rpartition(".")[2] for one in decorators} & {"cache", "lru_cache"}:
                    found.add(f"{path}:{node.name}")
        for node in tree.body:
            if isinstance(node, ast.Assign | ast.AnnAssign) and _is_empty_container(node.value):
                target = node.targets[0] if isinstance(node, ast.Assign) else node.target
                found.add(f"{path}:{ast.unparse(target)}")
    return found


def _is_empty_container(value: ast.expr | None) -> bool:
    if isinstance(value, ast.Dict | ast.List):
        return not (value.keys if isinstance(value, ast.Dict) else value.elts)
    if isinstance(value, ast.Call) and not value.args:
        name = ast.unparse(value.func).rpartition(".")[2]
        return name in {
            "dict", "list", "set", "OrderedDict", "defaultdict", "Counter", "local", "deque",
            "WeakKeyDictionary", "WeakValueDictionary", "LRUCache", "TTLCache",
        }  # fmt: skip
    return False


def names(tree: ast.Module) -> set[str]:
    """Every name and attribute that the module mentions."""
    return {
        node.id if isinstance(node, ast.Name) else node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Name | ast.Attribute)
    }
