"""No connection leads into the installation's own network, whatever names and redirects say."""

import socket
from typing import Any

import pytest

from controlplane.connections import services
from controlplane.connections.errors import AddressRefused, ConnectionUnreachable
from controlplane.connections.models import Connection
from controlplane.core import dialling
from controlplane.core.dialling import AddressForbidden, is_public, public_addresses
from tests.fakes.outside import FakeOutside
from tests.integration.connections.conftest import BY, Make

PRIVATE = [
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "0.0.0.0", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "::1", "::", "fe80::1",
    "fd00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe", "2002:7f00:1::1", "2002:a00:1::", "fec0::1",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_no_private_address_is_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:4700::1111", "64:ff9b::5db8:d822"])
def test_a_public_address_is(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "2130706433", "0x7f.1", "017700000001", "::1"]
)
def test_no_spelling_of_the_loopback_is_dialled(host: str) -> None:
    with pytest.raises((AddressForbidden, OSError)):
        public_addresses(host, 80)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[str]]]:
    """What each name answers, one list a lookup; the last one stays."""
    answers: dict[str, list[list[str]]] = {}
    real = socket.getaddrinfo

    def look_up(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        if host not in answers:
            return real(host, port, *args, **kwargs)
        told = answers[host].pop(0) if len(answers[host]) > 1 else answers[host][0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in told]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return answers


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was dialled; nobody answers there."""
    called: list[str] = []

    def refuse(address: Any, *_args: Any, **_kwargs: Any) -> Any:
        called.append(address[0])
        raise ConnectionRefusedError("nobody is there")

    monkeypatch.setattr(socket, "create_connection", refuse)
    return called


def _shop(make: Make) -> Connection:
    return make(values={"url": "https://shop.example"})


def _call(connection: Connection) -> None:
    services.call(connection=connection, method="GET", path="/a", by=BY)


@pytest.mark.parametrize("told", [["10.0.0.7"], ["93.184.216.34", "10.0.0.7"], ["127.0.0.1"]])
def test_a_name_that_leads_inside_is_not_called(
    told: list[str], make: Make, names: dict[str, list[list[str]]], dialled: list[str]
) -> None:
    names["shop.example"] = [told]
    with pytest.raises(AddressRefused, match="not an address of the public internet"):
        _call(_shop(make))
    assert dialled == []


def test_a_name_that_answers_otherwise_the_second_time_gains_nothing(
    make: Make, names: dict[str, list[list[str]]], dialled: list[str]
) -> None:
    names["shop.example"] = [["93.184.216.34"], ["127.0.0.1"]]
    shop = _shop(make)
    with pytest.raises(AddressRefused):
        _call(shop)
    assert dialled == ["93.184.216.34"], "each try looks the name up once and dials what it judged"


def test_the_address_that_was_judged_is_the_one_that_is_dialled(
    make: Make, names: dict[str, list[list[str]]], dialled: list[str]
) -> None:
    names["shop.example"] = [["93.184.216.34"]]
    with pytest.raises(ConnectionUnreachable, match="Nothing was sent"):
        _call(_shop(make))
    assert set(dialled) == {"93.184.216.34"}


def test_tokens_are_not_fetched_from_inside(
    make: Make, outside_system: FakeOutside, names: dict[str, list[list[str]]]
) -> None:
    names["login.example"] = [["127.0.0.1"]]
    shop = make("rest_oauth2", values={
        "token_url": "https://login.example/token", "client_id": "client",
        "client_secret": "secret-of-client",
    })  # fmt: skip
    with pytest.raises(AddressRefused):
        _call(shop)
    assert outside_system.calls == []


@pytest.mark.parametrize("kind", ["sftp", "smtp"])
def test_files_and_mail_go_nowhere_inside(
    kind: str, make: Make, names: dict[str, list[list[str]]], dialled: list[str]
) -> None:
    names["files.example"] = [["192.168.0.9"]]
    values = {"host": "files.example", "username": "ada", "password": "word-of-ada"}
    found = make(kind, values={**values, "sender": "ada@north.example"})
    checked = services.check_connection(connection=found, by=BY)
    assert "192.168.0.9" in checked.last_error
    assert dialled == []


def test_only_the_host_and_port_that_the_operator_names_may_be_inside(
    make: Make, outside_system: FakeOutside, settings: Any
) -> None:
    shop = make()
    _call(shop)
    settings.CONNECTION_PRIVATE_HOSTS = ["127.0.0.1:1"]
    with pytest.raises(AddressRefused):
        _call(shop)
    assert len(outside_system.calls) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example", "https://ada:word@shop.example", "https://shop.example?a=b",
        "https://shop.example/a#b", "ftp://shop.example", "https://", "https://shop.example/../a",
        "https://shop.example//a", "https://shop.example\\@evil", "//shop.example", "shop.example",
        "https://shop.example:99999999", "javascript:alert(1)",
    ],
)  # fmt: skip
def test_an_address_is_https_a_host_and_a_path(url: str, make: Make) -> None:
    from controlplane.connections.kinds import FieldsInvalid

    with pytest.raises(FieldsInvalid) as caught:
        make(values={"url": url})
    assert caught.value.errors[0].field == "url"


def test_dialling_tries_each_address(names: dict[str, list[list[str]]], dialled: list[str]) -> None:
    names["shop.example"] = [["93.184.216.34", "93.184.216.35"]]
    with pytest.raises(ConnectionRefusedError):
        dialling.dial("shop.example", 22, timeout=1)
    assert dialled == ["93.184.216.34", "93.184.216.35"]
