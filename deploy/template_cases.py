"""`python -m deploy.template_cases [SLUG]`: start everything, run templates' cases, and stop.

The cases of a template share a tenant, but for those that are to be alone: none of them meets what
another left.
"""

import secrets
import sys
from pathlib import Path
from typing import Any

from deploy.embedded.progress import Reporter
from deploy.embedded.stack import Stack

ROOT = Path(__file__).parents[1]
FOLDERS = sorted(path.parent.name for path in ROOT.glob("workflow-templates/*/template.yaml"))


def new_grounds() -> Any:
    """For `run_cases`, of one template: a tenant for its cases, and one for each that is alone."""
    shared: list[Any] = []

    def ground(case: Any) -> Any:
        if case.alone:
            return new_ground()
        if not shared:
            shared.append(new_ground())
        return shared[0]

    return ground


def new_ground() -> Any:
    """A new tenant of the demo's partner, with a workspace in its n8n."""
    from controlplane.core.actor import system
    from deploy.demo.story import PARTNER
    from tenants.models import Partner
    from tenants.provisioning import provision_tenant, start_tenant

    name = f"case-{secrets.token_hex(4)}"
    partner = Partner.objects.get(slug=PARTNER["slug"])
    tenant = start_tenant(slug=name, name=name, partner=partner)
    return provision_tenant(tenant, by=system("cases"))


def main(slugs: list[str]) -> int:
    from deploy.demo.running import running

    if unknown := set(slugs) - set(FOLDERS):
        print(f"There is no workflow-templates/{unknown.pop()}.", file=sys.stderr)
        return 2
    reporter = Reporter()
    with running(Stack(ROOT, reporter=reporter), reporter) as demo:
        return _run(slugs or FOLDERS, demo)


def _run(slugs: list[str], demo: Any) -> int:
    from controlplane.catalog.management.commands.test_template import told
    from controlplane.catalog.models import Template
    from controlplane.catalog.trying.running import note_run, run_cases
    from controlplane.core.actor import system

    by, failed = system("test_template"), 0
    for slug in slugs:
        release = Template.objects.get(slug=slug).latest
        if release is None:
            continue
        print(f"\n{release}")
        results = run_cases(
            release, ground=new_grounds(), by=by, progress=lambda result: print(told(result))
        )
        failed += note_run(release, results, n8n_version="", by=by).failed
    print(f"\n{'All cases passed.' if not failed else f'{failed} cases failed.'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
