"""Ports, passwords and keys of the embedded services, kept between runs in `var/embedded.env`."""

import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

_HEADER = (
    "# Written by deploy.embedded; holds passwords. Delete it together with the folder it is in."
)


class State:
    """A file of KEY=VALUE lines that only its owner can read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._values = read_values(path)

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def __getitem__(self, key: str) -> str:
        return self._values[key]

    def get(self, key: str) -> str | None:
        return self._values.get(key)

    def values(self) -> dict[str, str]:
        return dict(self._values)

    def keep(self, key: str, make: Callable[[], str]) -> str:
        """The value kept under the key; made and written down the first time it is asked for."""
        if key not in self._values:
            self.update({key: make()})
        return self._values[key]

    def keep_secret(self, key: str) -> str:
        """A random password or key, made once. Its letters need no quoting anywhere."""
        return self.keep(key, lambda: secrets.token_hex(24))

    def update(self, values: Mapping[str, str]) -> None:
        """Set values and write the file if that changes anything."""
        for key, value in values.items():
            if "\n" in key + value or "=" in key or not key:
                raise ValueError(f"{key!r} cannot be kept on one KEY=VALUE line.")
        changed = {**self._values, **values}
        if changed != self._values:
            self._values = changed
            self._write()

    def forget(self, key: str) -> None:
        if self._values.pop(key, None) is not None:
            self._write()

    def _write(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_name(f"{self.path.name}.{os.getpid()}.tmp")
        # The file is born private: a later chmod would leave a moment in which others can read it.
        draft.unlink(missing_ok=True)
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(_HEADER + "\n")
            file.writelines(f"{key}={value}\n" for key, value in sorted(self._values.items()))
        draft.replace(self.path)


def read_values(path: Path) -> dict[str, str]:
    """The KEY=VALUE lines of a file; nothing if there is no file."""
    try:
        text = path.read_text()
    except FileNotFoundError:
        return {}
    lines = (line.strip() for line in text.splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {key: value for key, _, value in pairs}
