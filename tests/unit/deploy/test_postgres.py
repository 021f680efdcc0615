"""PostgreSQL as it is started: here, and by docker-compose.yml."""

from pathlib import Path

import yaml

from deploy.embedded.postgres import Postgres
from deploy.embedded.processes import Processes

ROOT = Path(__file__).resolve().parents[3]
# Else each failed statement stands in the log with its values: orders, names, addresses.
WITHOUT_VALUES = {"log_min_error_statement=panic", "log_error_verbosity=terse"}


def test_the_log_of_an_error_holds_no_values(tmp_path: Path) -> None:
    embedded = Postgres(tmp_path, Processes(tmp_path))._options(5432)
    assert set(embedded) >= WITHOUT_VALUES

    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    command = compose["services"]["postgres"]["command"]
    assert {word.removeprefix("-c") for word in command} >= WITHOUT_VALUES
