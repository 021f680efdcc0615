import pytest

from deploy.embedded.errors import StartFailed
from deploy.embedded.external import read_external
from deploy.embedded.progress import Silent
from deploy.embedded.stack import Stack


def test_nothing_given_means_embedded():
    assert read_external({"PATH": "/bin", "REDIS_URL": ""}).values == {}


def test_given_services_win_over_embedded_ones(tmp_path):
    environ = {"REDIS_URL": "redis://elsewhere/0", "N8N_URL": "https://n8n", "N8N_API_KEY": "key"}
    stack = Stack(tmp_path, environ=environ, reporter=Silent())
    stack.state.update(
        {
            "DATABASE_URL": "postgresql://embedded",
            "REDIS_URL": "redis://embedded",
            "N8N_URL": "http://embedded",
            "N8N_OWNER_PASSWORD": "embedded",
            "EMBEDDED_REDIS_PASSWORD": "private",
        }
    )
    assert stack.environment() == {"DATABASE_URL": "postgresql://embedded", **environ}


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"DATABASE_URL": "x"}, "DATABASE_URL is set but DATABASE_OWNER_URL is not"),
        ({"N8N_API_KEY": "x"}, "N8N_API_KEY is set but N8N_URL is not"),
    ],
)
def test_half_a_service_is_refused(environ, message):
    with pytest.raises(StartFailed, match=message):
        read_external(environ)
