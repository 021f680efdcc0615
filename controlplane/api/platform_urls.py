"""The JSON door of the platform's admins. No tenant is entered: shared rows only."""

from django.urls import path, re_path

from controlplane.api import platform_rollouts as rollouts
from controlplane.api import problems

urlpatterns = [
    path("v1/rollouts", rollouts.Rollouts.as_view()),
    path("v1/rollouts/<uuid:rollout_id>", rollouts.RolloutDetail.as_view()),
    path("v1/rollouts/<uuid:rollout_id>/places", rollouts.Places.as_view()),
    path("v1/rollouts/<uuid:rollout_id>/steps", rollouts.Steps.as_view()),
    re_path(r"^v(?P<rest>[\s\S]+)$", problems.nothing_here),
]
