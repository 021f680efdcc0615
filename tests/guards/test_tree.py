"""How files are called and how long they are; what no file may hold; that commands exist."""

import re
import subprocess
from pathlib import Path

import pytest
from django.conf import settings

ROOT: Path = settings.BASE_DIR
LONGEST = 400
# Longer than that, each for a reason; a file that shrank has to leave this list.
MAY_BE_LONGER = {
    "controlplane/audit/verifier.py": "auditors get it as one file that needs nothing installed",
    "controlplane/settings.py": "it alone reads the environment",
}
MADE_BY_TOOLS = re.compile(
    r"(package-lock\.json|requirements.*\.txt|openapi\.json|\.po|\.min\.js|/data/.*|"
    r"/migrations/\d+_\w+\.py)$"
)
TEXT = {
    ".cfg", ".css", ".example", ".html", ".js", ".json", ".md", ".mjs", ".po", ".py", ".sh", ".svg",
    ".toml", ".ts", ".txt", ".yaml", ".yml", "",
}  # fmt: skip
# The settings, and what runs before or instead of them.
READ_THE_ENVIRONMENT = {
    "controlplane/settings.py", "controlplane/celery.py", "controlplane/wsgi.py", "manage.py",
}  # fmt: skip
UNWANTED_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "managers"}


def tracked() -> list[str]:
    """What is in the repository, or would be: new files count before they are committed."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return sorted(name for name in listed.stdout.splitlines() if (ROOT / name).is_file())


TRACKED = tracked()
TEXTS = {
    name: (ROOT / name).read_text(encoding="utf-8") for name in TRACKED if Path(name).suffix in TEXT
}
PYTHON = {name: text for name, text in TEXTS.items() if name.endswith(".py")}


def test_files_are_short() -> None:
    long = {
        name
        for name, text in TEXTS.items()
        if Path(name).suffix in {".py", ".ts", ".html", ".js"}
        and not MADE_BY_TOOLS.search(name)
        and len(text.splitlines()) > LONGEST
    }

    assert long - set(MAY_BE_LONGER) == set(), "split them by noun"
    assert set(MAY_BE_LONGER) - long == set(), "these are short enough: take them out of the list"


def test_modules_are_named_for_what_they_hold() -> None:
    assert [name for name in TRACKED if Path(name).stem in UNWANTED_NAMES] == []


def test_only_the_settings_read_the_environment() -> None:
    reading = {
        name
        for name, text in PYTHON.items()
        if re.search(r"\bos\.(environ|getenv)\b|from os import .*environ", text)
        and not name.startswith(("tests/", "deploy/", "bench/"))
    }

    assert reading == READ_THE_ENVIRONMENT


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param(
            r"https?://[\w.-]*(pypi|npmjs|npmmirror|registry)[\w.-]*\.\w+", id="a registry"
        ),
        pytest.param(r"index-url|registry\s*=|--registry", id="a registry's setting"),
        pytest.param(r"\"resolved\":", id="where a locked package came from"),
        pytest.param(r"(?<![\w./$}])/(home|root|Users|work)/\w+", id="somebody's folder"),
        pytest.param(r"BEGIN (RSA |EC |OPENSSH )?PRIVATE KEY", id="a private key"),
        pytest.param(r"(#|//|<!--)\s*(TO" r"DO|FIX" r"ME)\b", id="something left to do"),
    ],
)
def test_no_file_holds(pattern: str) -> None:
    found = [
        f"{name}: {line.strip()[:120]}"
        for name, text in TEXTS.items()
        if name != "tests/guards/test_tree.py"
        for line in text.splitlines()
        if re.search(pattern, line)
    ]

    assert found == []


def test_no_test_is_skipped() -> None:
    skipping = re.compile(r"pytest\.(mark\.)?(skip|skipif|xfail|importorskip)\b|unittest\.skip")
    found = [name for name, text in PYTHON.items() if skipping.search(text)]

    assert [name for name in found if name != "tests/guards/test_tree.py"] == []


def test_every_module_that_says_nothing_by_its_name_says_it_in_a_docstring() -> None:
    """Services, views and models open with what they are for."""
    import ast

    silent = [
        name
        for name, text in PYTHON.items()
        if name.startswith(("controlplane/", "tenants/"))
        and Path(name).stem in {"services", "models", "settings", "operations", "tasks"}
        and not ast.get_docstring(ast.parse(text))
    ]

    assert silent == []


def test_commands_of_the_makefile_exist() -> None:
    makefile = TEXTS["Makefile"]
    recipes = [line for line in makefile.splitlines() if line.startswith("\t")]

    for module in re.findall(r"python -m (deploy[\w.]*)", "\n".join(recipes)):
        path = ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file(), module
    for command in re.findall(r"manage\.py (\w+)", "\n".join(recipes)):
        from django.core.management import get_commands

        assert command in get_commands()
    for script in re.findall(r"\$\(PYTHON\) (\S+\.py)", "\n".join(recipes)):
        assert (ROOT / script).is_file(), script


def test_every_target_says_what_it_does_and_is_phony() -> None:
    makefile = TEXTS["Makefile"]
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.M))
    described = set(re.findall(r"^([a-z][a-z-]*):.*##", makefile, re.M))
    phony = set(re.search(r"^\.PHONY:(.*)$", makefile, re.M)[1].split())

    assert targets == described == phony
    assert targets >= {"setup", "demo", "test", "check", "fix", "generate", "docs"}


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "docs/adr/README.md"])
def test_documents_link_to_what_is_there(name: str) -> None:
    text = TEXTS[name]
    links = re.findall(r"\]\((?!https?:|mailto:|#)([^)#]+)", text)
    broken = [link for link in links if not (ROOT / name).parent.joinpath(link).exists()]

    assert broken == []
