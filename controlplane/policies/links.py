"""Where the portal shows policies; the tenant is the one that is entered."""

from controlplane.policies.models import Decision, SimulationRun
from tenants.context import current_tenant


def decision_link(decision: Decision) -> str:
    return f"{current_tenant().portal_url}/decisions/{decision.pk}/"


def simulation_link(run: SimulationRun) -> str:
    return f"{current_tenant().portal_url}/policies/simulations/{run.pk}/"
