from pathlib import Path
from typing import Any

import pytest

from controlplane.policies import parameters


@pytest.fixture(autouse=True)
def stored(settings: Any, tmp_path: Path) -> Path:
    """Where this test's documents are kept."""
    settings.FILES_ROOT = tmp_path / "files"
    return tmp_path / "files"


@pytest.fixture
def terms(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the installation sets: empty, so that the context's defaults stand."""
    given: dict[str, Any] = {}
    monkeypatch.setattr(parameters, "_provider", lambda _installation_id: given)
    return given
