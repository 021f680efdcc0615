import json
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.embedded.n8n import MANIFEST, N8n, Settings, environment
from deploy.embedded.node import PackageCount
from deploy.embedded.processes import Processes


@pytest.fixture
def settings():
    return Settings(
        port=5678,
        broker_port=5679,
        database_port=5432,
        database_password="database password",
        encryption_key="key",
        owner_email="owner@pergola.example",
        owner_password_hash="$2b$10$hash",
    )


def test_n8n_gets_nothing_of_our_environment(settings, monkeypatch):
    monkeypatch.setenv("ENCRYPTION_KEYS", "pergola's own")
    assert "pergola's own" not in environment(settings, Path("/folder")).values()


def test_n8n_listens_on_the_loopback_address_only(settings):
    given = environment(settings, Path("/folder"))
    assert given["N8N_LISTEN_ADDRESS"] == given["N8N_HOST"] == "127.0.0.1"


def test_n8n_logs_in_to_its_own_database(settings):
    given = environment(settings, Path("/folder"))
    assert (given["DB_POSTGRESDB_USER"], given["DB_POSTGRESDB_DATABASE"]) == ("pergola_n8n", "n8n")


def test_its_editor_shows_the_catalog_of_pergola_or_no_templates_at_all(settings):
    assert environment(settings, Path("/folder"))["N8N_TEMPLATES_ENABLED"] == "false"

    given = environment(
        replace(settings, gallery_url="http://localhost:8000/api/gallery"), Path("/folder")
    )

    assert given["N8N_TEMPLATES_ENABLED"] == "true"
    assert given["N8N_TEMPLATES_HOST"] == "http://localhost:8000/api/gallery"


def test_installed_only_when_the_same_lock_was_installed(tmp_path):
    n8n = N8n(tmp_path, Processes(tmp_path), host=tmp_path)
    assert not n8n.installed()
    (tmp_path / ".installed").write_text("hash of an older lock file")
    assert not n8n.installed()


def test_version_is_pinned_to_one():
    manifest = json.loads((MANIFEST / "package.json").read_text())
    lock = json.loads((MANIFEST / "package-lock.json").read_text())
    wanted = manifest["dependencies"]["n8n"]
    assert wanted == lock["packages"]["node_modules/n8n"]["version"] == "2.41.1"


def test_package_count_follows_what_is_on_disk(tmp_path):
    packages = {"": {}, "node_modules/a": {}, "node_modules/b": {}, "c": {"optional": True}}
    (tmp_path / "package-lock.json").write_text(json.dumps({"packages": packages}))
    count = PackageCount(tmp_path)
    assert str(count) == "0 of about 2 packages"
    (tmp_path / "node_modules" / "a").mkdir(parents=True)
    (tmp_path / "node_modules" / "a" / "package.json").touch()
    assert str(count) == "1 of about 2 packages"
