"""The release is named once for people and once for packaging."""

import tomllib

from django.conf import settings

from tenants.fingerprint import current_fingerprint


def test_both_names_of_the_release_agree() -> None:
    project = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())["project"]

    assert project["version"] == settings.RELEASE


def test_the_fingerprint_is_that_of_the_migrations() -> None:
    assert len(current_fingerprint()) == 64
