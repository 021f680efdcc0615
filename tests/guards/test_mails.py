"""No mail leaves without its environment in the subject."""

import ast
from pathlib import Path

from django.conf import settings


def mails() -> list[tuple[str, ast.Call]]:
    """Every EmailMessage that is made anywhere."""
    return [
        (str(path.relative_to(settings.BASE_DIR)), node)
        for folder in ("controlplane", "tenants")
        for path in sorted(Path(settings.BASE_DIR, folder).rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"EmailMessage", "EmailMultiAlternatives", "send_mail"}
    ]


def test_every_subject_is_marked() -> None:
    unmarked = [
        path
        for path, call in mails()
        for subject in [next(k.value for k in call.keywords if k.arg == "subject")]
        if not (
            isinstance(subject, ast.Call)
            and isinstance(subject.func, ast.Name)
            and subject.func.id == "marked_subject"
        )
    ]

    assert len(mails()) >= 4
    assert unmarked == []
