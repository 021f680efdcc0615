"""Pergola's own processes, before any of them runs."""

import socket

import pytest

from deploy.demo.processes import Pergola
from deploy.embedded.errors import StartFailed
from deploy.embedded.progress import Silent


def test_a_port_that_somebody_else_took_is_named_and_nothing_started(tmp_path, monkeypatch):
    started = []
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        pergola = Pergola(tmp_path, {"PUBLIC_URL": f"http://localhost:{port}"}, Silent())
        monkeypatch.setattr(pergola._processes, "start", lambda *a, **k: started.append(a))
        with pytest.raises(StartFailed, match=f"port {port}"):
            pergola.start()
    assert started == []
