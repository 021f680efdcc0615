"""docker-compose.yml without a Docker engine: what it names exists, is pinned, and holds no secret.

Each rule takes the whole deployment and answers with what is wrong. It is held against the real
files, and against a copy that is broken in just that way.
"""

import copy
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands

ROOT = Path(__file__).resolve().parents[2]
VARIABLE = re.compile(r"(?<!\$)\$\{(?P<name>\w+)(?P<rest>:[-?][^}]*)?\}")
SECRET = re.compile(r"PASSWORD|SECRET|(API|ENCRYPTION)_KEYS?$|ALLOWED_KEYS$|REDISCLI_AUTH")
EXACT_VERSION = re.compile(r":v?\d+\.\d+\.\d+([.-][\w.-]+)?$|@sha256:[0-9a-f]{64}$")
# Each belongs to something that need not be there.
# Settings refuse to start without a key from the one or the other.
MAY_BE_EMPTY = {"WEAVIATE_API_KEY", "LLM_API_KEY", "ENCRYPTION_KEYS", "ENCRYPTION_KEYS_FILE"}
SERVICE_KEYS = {
    *("build", "cap_drop", "command", "depends_on", "environment", "healthcheck", "image", "init"),
    *("logging", "networks", "ports", "profiles", "restart", "security_opt", "shm_size"),
    *("stop_grace_period", "volumes"),
}


@dataclass
class Deployment:
    compose: dict[str, Any]
    env_example: str
    dockerfiles: dict[str, str]
    root: Path = ROOT

    @property
    def services(self) -> dict[str, dict[str, Any]]:
        return self.compose["services"]

    @property
    def example(self) -> dict[str, str]:
        lines = (line for line in self.env_example.splitlines() if line[:1] not in {"", "#"})
        return dict(line.split("=", 1) for line in lines)


def strings(value: Any) -> Iterator[str]:
    """Every string anywhere inside a YAML value."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, str):
        yield value


def stages(dockerfile: str) -> Iterator[tuple[str, str]]:
    """Image and name of each `FROM image AS name`."""
    for match in re.finditer(r"^FROM (\S+)(?: AS (\S+))?$", dockerfile, re.MULTILINE):
        yield match[1], match[2] or ""


def is_job(service: dict[str, Any]) -> bool:
    return service.get("restart") == "no"


def unknown_keys(it: Deployment) -> Iterator[str]:
    yield from {"services"} - set(it.compose)
    for key in it.compose:
        if key not in {"name", "services", "volumes", "networks"} and not key.startswith("x-"):
            yield f"top level: {key}"
    for name, service in it.services.items():
        yield from (f"{name}: {key}" for key in set(service) - SERVICE_KEYS)


def unpinned_images(it: Deployment) -> Iterator[str]:
    for name, service in it.services.items():
        image = service.get("image", "")
        if "build" in service:
            if not image.partition(":")[2].startswith("${PERGOLA_VERSION:?"):
                yield f"{name}: {image} is built here and not tagged with PERGOLA_VERSION"
        elif not EXACT_VERSION.search(image):
            yield f"{name}: {image}"
    for path, dockerfile in it.dockerfiles.items():
        own = {stage for _, stage in stages(dockerfile)}
        for image, _ in stages(dockerfile):
            if image not in own and not EXACT_VERSION.search(image):
                yield f"{path}: {image}"


def missing_files(it: Deployment) -> Iterator[str]:
    for name, service in it.services.items():
        if build := service.get("build"):
            dockerfile = it.dockerfiles.get(build["dockerfile"])
            if dockerfile is None:
                yield f"{name}: {build['dockerfile']}"
            elif build["target"] not in {stage for _, stage in stages(dockerfile)}:
                yield f"{name}: {build['dockerfile']} has no stage {build['target']}"
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith(".") and not (it.root / source).is_file():
                yield f"{name}: {source}"


def missing_sources(it: Deployment) -> Iterator[str]:
    for path, dockerfile in it.dockerfiles.items():
        for line in re.findall(r"^COPY (?!--from)(.+)$", dockerfile, re.MULTILINE):
            for source in line.split()[:-1]:
                if not (it.root / source).exists():
                    yield f"{path}: COPY {source}"


def unknown_volumes(it: Deployment) -> Iterator[str]:
    sources = {v.split(":")[0] for s in it.services.values() for v in s.get("volumes", [])}
    used = {source for source in sources if not source.startswith((".", "/"))}
    yield from used.symmetric_difference(it.compose.get("volumes") or {})


def unmet_dependencies(it: Deployment) -> Iterator[str]:
    for name, service in it.services.items():
        for other, how in service.get("depends_on", {}).items():
            needed = it.services.get(other)
            if needed is None:
                yield f"{name} waits for {other}, which does not exist"
            elif how["condition"] == "service_healthy" and "healthcheck" not in needed:
                yield f"{name} waits for the health of {other}, which has no check"
            elif how["condition"] == "service_completed_successfully" and not is_job(needed):
                yield f"{name} waits for the end of {other}, which does not end"


def unwatched_services(it: Deployment) -> Iterator[str]:
    for name, service in it.services.items():
        if is_job(service):
            continue
        if service.get("restart") != "unless-stopped":
            yield f"{name}: is not restarted"
        if not service.get("healthcheck", {}).get("test"):
            yield f"{name}: no health check"


def undocumented_variables(it: Deployment) -> Iterator[str]:
    used = {match["name"] for text in strings(it.compose) for match in VARIABLE.finditer(text)}
    yield from used.symmetric_difference(it.example)


def unexplained_variables(it: Deployment) -> Iterator[str]:
    """A comment stands above each variable, and how to generate it above each secret."""
    parts = re.split(r"^([A-Z]\w*)=.*\n", it.env_example, flags=re.MULTILINE)
    for text, name in zip(parts[::2], parts[1::2], strict=False):
        # A pair such as two ports shares the comment above the first.
        comment = text or "shared"
        if not comment.strip():
            yield f"{name}: no comment"
        if SECRET.search(name) and "Generate" not in comment:
            yield f"{name}: how to generate it is not said"


def literal_secrets(it: Deployment) -> Iterator[str]:
    for name, service in it.services.items():
        for key, value in service.get("environment", {}).items():
            if SECRET.search(key) and not VARIABLE.fullmatch(str(value)):
                yield f"{name}: {key}"
            password = re.search(r"://[^/@]*:(?P<password>[^/@]+)@", VARIABLE.sub("$", str(value)))
            if password and password["password"] != "$":
                yield f"{name}: {key} holds a password"
    yield from (key for key, value in it.example.items() if SECRET.search(key) and value)


def optional_secrets(it: Deployment) -> Iterator[str]:
    """A secret that is not set must stop the start, not become an empty password."""
    for text in strings(it.compose):
        for match in VARIABLE.finditer(text):
            is_needed = SECRET.search(match["name"]) and match["name"] not in MAY_BE_EMPTY
            if is_needed and not (match["rest"] or "").startswith(":?"):
                yield match["name"]


def open_ports(it: Deployment) -> Iterator[str]:
    for name, service in it.services.items():
        for port in service.get("ports", []):
            if not port.startswith("127.0.0.1:"):
                yield f"{name}: {port}"


def unknown_commands(it: Deployment) -> Iterator[str]:
    """`manage.py` commands and Python modules that containers call have to exist."""
    for name, service in it.services.items():
        for words in (service.get("command"), service.get("healthcheck", {}).get("test")):
            words = words or []
            if "manage.py" in words:
                command = words[words.index("manage.py") + 1]
                if command not in get_commands():
                    yield f"{name}: manage.py {command}"
            if words[-2:-1] == ["-m"]:
                module = Path(*words[-1].split(".")).with_suffix(".py")
                if not (it.root / module).is_file():
                    yield f"{name}: python -m {words[-1]}"


RULES = [
    unknown_keys,
    unpinned_images,
    missing_files,
    missing_sources,
    unknown_volumes,
    unmet_dependencies,
    unwatched_services,
    undocumented_variables,
    unexplained_variables,
    literal_secrets,
    optional_secrets,
    open_ports,
    unknown_commands,
]


@pytest.fixture(scope="module")
def real() -> Deployment:
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    paths = sorted((ROOT / "deploy" / "docker").glob("*.Dockerfile"))
    dockerfiles = {str(path.relative_to(ROOT)): path.read_text() for path in paths}
    return Deployment(compose, (ROOT / ".env.example").read_text(), dockerfiles)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_deployment_keeps_the_rule(rule, real):
    assert sorted(rule(real)) == []


def set_in(*path: str, to: Any) -> Callable[[Deployment], None]:
    def change(it: Deployment) -> None:
        place = it.compose
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = to

    return change


def remove(*path: str) -> Callable[[Deployment], None]:
    def change(it: Deployment) -> None:
        place = it.compose
        for key in path[:-1]:
            place = place[key]
        del place[path[-1]]

    return change


def in_env(old: str, new: str) -> Callable[[Deployment], None]:
    def change(it: Deployment) -> None:
        assert old in it.env_example
        it.env_example = it.env_example.replace(old, new)

    return change


def in_dockerfile(old: str, new: str) -> Callable[[Deployment], None]:
    def change(it: Deployment) -> None:
        path = "deploy/docker/controlplane.Dockerfile"
        assert old in it.dockerfiles[path]
        it.dockerfiles[path] = it.dockerfiles[path].replace(old, new)

    return change


S = "services"
BROKEN = [
    (unknown_keys, set_in(S, "web", "helthcheck", to={}), "helthcheck"),
    (unknown_keys, set_in("volume", to={}), "volume"),
    (unpinned_images, set_in(S, "redis", "image", to="redis:latest"), "redis:latest"),
    (unpinned_images, set_in(S, "redis", "image", to="redis:8"), "redis:8"),
    (unpinned_images, set_in(S, "redis", "image", to="redis"), "redis"),
    (unpinned_images, set_in(S, "web", "image", to="pergola/controlplane:latest"), "PERGOLA"),
    (unpinned_images, in_dockerfile("python:3.12.13-slim-bookworm", "python:3.12"), "python:3.12"),
    (missing_files, set_in(S, "web", "build", "dockerfile", to="Dockerfile"), "Dockerfile"),
    (missing_files, set_in(S, "web", "build", "target", to="app"), "no stage app"),
    (missing_files, set_in(S, "redis", "volumes", to=["./redis.conf:/redis.conf"]), "redis.conf"),
    (missing_sources, in_dockerfile("COPY tenants tenants", "COPY tenant tenants"), "COPY tenant"),
    (unknown_volumes, set_in(S, "redis", "volumes", to=["cache:/data"]), "cache"),
    (unknown_volumes, set_in("volumes", "unused", to=None), "unused"),
    (unmet_dependencies, remove(S, "migrate"), "does not exist"),
    (unmet_dependencies, remove(S, "redis", "healthcheck"), "has no check"),
    (unmet_dependencies, set_in(S, "migrate", "restart", to="always"), "does not end"),
    (unwatched_services, remove(S, "relay", "healthcheck"), "relay: no health check"),
    (unwatched_services, remove(S, "relay", "restart"), "relay: is not restarted"),
    (undocumented_variables, in_env("\nREDIS_PASSWORD=", "\n"), "REDIS_PASSWORD"),
    (undocumented_variables, in_env("\nLOG_LEVEL=", "\nLOGLEVEL="), "LOGLEVEL"),
    (unexplained_variables, in_env("# DEBUG, INFO, WARNING or ERROR\n", "\n"), "LOG_LEVEL"),
    (unexplained_variables, in_env("# Signs sessions. Generate: hex", "# Signs."), "SECRET_KEY"),
    (literal_secrets, in_env("\nSECRET_KEY=", "\nSECRET_KEY=abc"), "SECRET_KEY"),
    (literal_secrets, set_in(S, "n8n", "environment", "N8N_ENCRYPTION_KEY", to="abc"), "n8n"),
    (
        literal_secrets,
        set_in(S, "web", "environment", "REDIS_URL", to="redis://:abc@redis:6379/0"),
        "REDIS_URL holds a password",
    ),
    (
        optional_secrets,
        set_in(S, "web", "environment", "SECRET_KEY", to="${SECRET_KEY:-}"),
        "SECRET_KEY",
    ),
    (open_ports, set_in(S, "postgres", "ports", to=["5432:5432"]), "postgres: 5432:5432"),
    (
        unknown_commands,
        set_in(S, "migrate", "command", to=["python", "manage.py", "migrate_world"]),
        "migrate_world",
    ),
    (
        unknown_commands,
        set_in(S, "relay", "healthcheck", "test", to=["CMD", "python", "-m", "deploy.docker.x"]),
        "deploy.docker.x",
    ),
]


@pytest.mark.parametrize(("rule", "break_it", "finding"), BROKEN)
def test_broken_copy_is_found(rule, break_it, finding, real):
    broken = copy.deepcopy(real)
    break_it(broken)
    found = set(rule(broken)) - set(rule(real))
    assert any(finding in text for text in found), found


def test_every_rule_has_a_broken_copy():
    assert {rule for rule, _, _ in BROKEN} == set(RULES)
