"""Stand-ins answer what a case wrote down, and nothing leaves Pergola."""

import json
from typing import Any

import pytest

from controlplane.connections import services
from controlplane.connections.kinds import KindUnknown, offered
from controlplane.connections.models import Connection
from tests.integration.connections.conftest import BY, Make

ANSWERS = [
    {"path": "/credit", "body": {"limit": "100.00"}},
    {"method": "POST", "path": "/answers", "status": 202, "body": {"taken": True}},
    {"path": "/broken", "status": 503},
]


@pytest.fixture
def books(tenant: Any) -> Connection:
    return stand_in(ANSWERS)


def stand_in(answers: Any, name: str = "Books") -> Connection:
    return services.stand_in(
        name=name, kind="stand_in", values={"answers": json.dumps(answers)}, by=BY
    )


def test_it_answers_by_method_and_path(books: Connection) -> None:
    def call(method: str, path: str) -> tuple[int, Any]:
        found = services.call(
            connection=books, method=method, path=path, query={"order": "#1"}, by=BY,
            accept_errors=True,
        )  # fmt: skip
        return found.status, found.body

    assert call("GET", "/credit") == (200, {"limit": "100.00"})
    assert call("POST", "/answers") == (202, {"taken": True})
    assert call("POST", "/credit")[0] == 404
    assert call("PUT", "/broken")[0] == 404


def test_the_next_case_has_it_answer_otherwise(books: Connection) -> None:
    again = stand_in([{"path": "/credit", "body": {"limit": "5.00"}}], name="BOOKS")

    assert again.pk == books.pk
    found = services.call(connection=again, method="GET", path="/credit", by=BY)
    assert found.body == {"limit": "5.00"}


def test_mail_is_taken_and_not_sent(tenant: Any) -> None:
    mail = services.stand_in(name="Mail", kind="stand_in_mail", values={}, by=BY)

    sent = services.send_mail(
        connection=mail, to=["ada@example.com"], subject="Hello", text="A mail", reply_to="", by=BY
    )

    assert sent.startswith("<")
    assert services.check_connection(connection=mail, by=BY).status == Connection.Status.OK


def test_a_real_connection_is_never_replaced(make: Make) -> None:
    real = make(name="Books")

    with pytest.raises(services.ConnectionExists, match="real connection"):
        stand_in(ANSWERS)

    real.refresh_from_db()
    assert real.kind == "rest"


def test_nobody_sets_one_up_by_hand(tenant: Any) -> None:
    with pytest.raises(KindUnknown):
        services.create_connection(name="Books", kind="stand_in", values={}, by=BY)

    assert not [kind.name for kind in offered() if kind.is_stand_in]
