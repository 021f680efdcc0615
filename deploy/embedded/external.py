"""Services of one's own, named in the environment, instead of embedded ones."""

from collections.abc import Mapping
from dataclasses import dataclass

from deploy.embedded.errors import StartFailed

DATABASE = ("DATABASE_URL", "DATABASE_OWNER_URL")
REDIS = ("REDIS_URL",)
N8N = ("N8N_URL", "N8N_API_KEY")


@dataclass(frozen=True)
class External:
    """What the environment gives; an empty part is embedded."""

    database: dict[str, str]
    redis: dict[str, str]
    n8n: dict[str, str]

    @property
    def values(self) -> dict[str, str]:
        return self.database | self.redis | self.n8n


def read_external(environ: Mapping[str, str]) -> External:
    """Take over the services that are named; raises StartFailed where half of one is."""
    return External(*(_all_or_none(environ, names) for names in (DATABASE, REDIS, N8N)))


def _all_or_none(environ: Mapping[str, str], names: tuple[str, ...]) -> dict[str, str]:
    given = {name: environ[name] for name in names if environ.get(name)}
    missing = [name for name in names if name not in given]
    if given and missing:
        raise StartFailed(
            f"{' and '.join(given)} is set but {' and '.join(missing)} is not. Set both to use "
            "that service, or neither to have one started here."
        )
    return given
