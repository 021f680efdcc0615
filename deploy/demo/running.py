"""The demo up and running: services, Django in this process, Pergola's own processes, the places.

Django reads its settings once, so one process runs one demo, and what needs Django is imported
after the environment is set.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deploy.embedded.progress import Reporter
from deploy.embedded.stack import Stack
from deploy.n8n_nodes import build

if TYPE_CHECKING:
    from deploy.demo.world import Place


@dataclass(frozen=True)
class Demo:
    """`environment` is what Pergola's processes were started with."""

    places: list["Place"]
    environment: dict[str, str]


@contextmanager
def running(stack: Stack, reporter: Reporter) -> Iterator[Demo]:
    """Until the block ends, which stops what was started here."""
    with reporter.step("Building the node pack") as step:
        tarball = build.pack()
        step.done(tarball.name)
    with stack:
        stack.start(node_pack=tarball)
        environment = stack.environment()
        os.environ.update(
            environment, LOG_LEVEL="WARNING", DJANGO_SETTINGS_MODULE="controlplane.settings"
        )

        import django

        django.setup()
        from deploy.demo import world
        from deploy.demo.processes import Pergola

        pergola = Pergola(stack.var, environment, reporter)
        try:
            world.prepare(reporter)
            pergola.start()
            yield Demo(world.build(reporter), environment)
        finally:
            pergola.stop()
