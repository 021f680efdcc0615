"""Run a command that needs the settings but no service: `python -m deploy.offline mypy`."""

import os
import sys
from pathlib import Path

NOWHERE = {
    "SECRET_KEY": "offline",
    "ENCRYPTION_KEYS": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    "DATABASE_URL": "postgres://pergola_app:offline@127.0.0.1:1/pergola",
    "DATABASE_OWNER_URL": "postgres://pergola_owner:offline@127.0.0.1:1/pergola",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "PUBLIC_URL": "http://localhost:8000",
    "DATABASE_POOL": "false",
}

if __name__ == "__main__":
    command = Path(sys.executable).parent / sys.argv[1]
    os.execve(command, [str(command), *sys.argv[2:]], {**os.environ, **NOWHERE})  # noqa: S606
