"""Imports only point down, and the linter that says so would notice one that does not."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

LINT = "from importlinter.cli import lint_imports_command; lint_imports_command()"


def lint(root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", LINT, "--no-cache"],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("floors")
    only_code = shutil.ignore_patterns("templates", "static", "locale", "__pycache__", "migrations")
    for folder in ("controlplane", "tenants"):
        shutil.copytree(settings.BASE_DIR / folder, root / folder, ignore=only_code)
    shutil.copy(settings.BASE_DIR / "pyproject.toml", root)
    return root


def test_the_floors_hold(copy: Path) -> None:
    done = lint(copy)

    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.parametrize(
    ("module", "line", "told"),
    [
        ("controlplane/core/money.py", "import tenants.models", "core.money"),
        ("controlplane/approvals/links.py", "import controlplane.orders.models", "approvals.links"),
        ("controlplane/portal/colors.py", "import controlplane.api.health", "portal.colors"),
        (
            "controlplane/events/samples.py",
            "import controlplane.approvals.tasks",
            "events.samples",
        ),
    ],
)
def test_an_import_that_points_up_is_found(copy: Path, module: str, line: str, told: str) -> None:
    path = copy / module
    text = path.read_text()
    path.write_text(f"{text}\n{line}\n")
    try:
        done = lint(copy)
    finally:
        path.write_text(text)

    assert done.returncode == 1
    assert told in done.stdout


def test_every_app_has_its_floor() -> None:
    import tomllib

    contracts = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())["tool"]
    layers = " ".join(contracts["importlinter"]["contracts"][0]["layers"])
    apps = {path.parent.name for path in settings.BASE_DIR.glob("controlplane/*/__init__.py")}

    assert {name for name in apps if f"controlplane.{name}" not in layers} == set()
