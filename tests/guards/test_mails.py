"""No mail leaves without its environment in the subject."""

import ast
from pathlib import Path

from django.conf import settings

# A letter that a source is tried with; it leaves nobody's server.
SAMPLES = {"controlplane/events/letters.py"}


def subjects() -> list[tuple[str, ast.expr]]:
    """Of every mail that is made anywhere: given by name, or set as a header."""
    found = []
    for folder in ("controlplane", "tenants"):
        for path in sorted(Path(settings.BASE_DIR, folder).rglob("*.py")):
            name = str(path.relative_to(settings.BASE_DIR))
            if name in SAMPLES:
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                found += [(name, subject) for subject in _given(node)]
    return found


def _given(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        makes_mail = {"EmailMessage", "EmailMultiAlternatives", "send_mail"}
        if node.func.id in makes_mail:
            return [keyword.value for keyword in node.keywords if keyword.arg == "subject"]
    if isinstance(node, ast.Assign) and any(map(_is_header, node.targets)):
        return [node.value]
    return []


def _is_header(target: ast.expr) -> bool:
    if isinstance(target, ast.Tuple):
        return any(map(_is_header, target.elts))
    return (
        isinstance(target, ast.Subscript)
        and isinstance(target.slice, ast.Constant)
        and target.slice.value == "Subject"
    )


def test_every_subject_is_marked() -> None:
    found = subjects()
    unmarked = [
        path
        for path, subject in found
        if not (
            isinstance(subject, ast.Call)
            and isinstance(subject.func, ast.Name)
            and subject.func.id == "marked_subject"
        )
    ]

    assert len(found) >= 5
    assert unmarked == []
