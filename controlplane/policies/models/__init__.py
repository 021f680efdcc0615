"""Rules, their versions and layers, decisions, and simulations of them."""

from controlplane.policies.models.decisions import Decision, DecisionEntry
from controlplane.policies.models.layers import (
    BoundVersion,
    Layer,
    LayerExample,
    LayerPolicy,
    LayerRule,
    LayerSchedule,
    LayerVersion,
)
from controlplane.policies.models.policies import (
    Example,
    Immutable,
    Move,
    Policy,
    PolicyVersion,
    PublishingTerms,
    Rule,
    Schedule,
    VersionStatus,
    VersionStep,
)
from controlplane.policies.models.simulations import (
    LayerSimulation,
    LayerSimulationPart,
    SimulationFlip,
    SimulationRun,
)

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
    "LayerSchedule",
    "LayerSimulation",
    "LayerSimulationPart",
    "LayerVersion",
    "Move",
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
