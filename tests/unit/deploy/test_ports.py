import socket

import pytest

from deploy.embedded import ports


@pytest.fixture(autouse=True)
def _nothing_handed_out(monkeypatch):
    monkeypatch.setattr(ports, "_handed_out", set())


def test_port_in_use_is_not_free(monkeypatch):
    monkeypatch.setattr(socket, "socket", _occupied({4000}))
    assert not ports.is_free(4000)
    assert ports.is_free(4001)


def test_first_free_preferred_port_is_taken(monkeypatch):
    monkeypatch.setattr(ports, "is_free", lambda port, host: port != 8000)
    assert ports.choose_port(preferred=[8000, 8080]) == 8080


def test_a_port_is_handed_out_once(monkeypatch):
    monkeypatch.setattr(ports, "is_free", lambda port, host: True)
    assert ports.choose_port(preferred=[8000]) == 8000
    assert 20000 <= ports.choose_port(preferred=[8000]) < 32000


def test_no_free_port_is_an_error(monkeypatch):
    monkeypatch.setattr(ports, "is_free", lambda port, host: False)
    with pytest.raises(ports.NoFreePort, match="201 ports"):
        ports.choose_port(preferred=[8000])


def _occupied(taken):
    class FakeSocket:
        def __init__(self, *_):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def setsockopt(self, *_):
            pass

        def bind(self, address):
            if address[1] in taken:
                raise OSError("Address already in use")

    return FakeSocket
