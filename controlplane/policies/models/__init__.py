"""Rules, their versions and layers, decisions, and simulations of them."""

from controlplane.policies.models.decisions import Decision, DecisionEntry
from controlplane.policies.models.layers import (
    BoundVersion,
    Layer,
    LayerExample,
    LayerPolicy,
    LayerRule,
    LayerVersion,
)
from controlplane.policies.models.policies import (
    Example,
    Immutable,
    Policy,
    PolicyVersion,
    PublishingTerms,
    Rule,
    Schedule,
    VersionStatus,
    VersionStep,
)
from controlplane.policies.models.simulations import SimulationFlip, SimulationRun

__all__ = [
    "BoundVersion",
    "Decision",
    "DecisionEntry",
    "Example",
    "Immutable",
    "Layer",
    "LayerExample",
    "LayerPolicy",
    "LayerRule",
    "LayerVersion",
    "Policy",
    "PolicyVersion",
    "PublishingTerms",
    "Rule",
    "Schedule",
    "SimulationFlip",
    "SimulationRun",
    "VersionStatus",
    "VersionStep",
]
