"""The guards, each with what becomes of the code when it is taken away."""

from tests.mutation.approvals import APPROVALS
from tests.mutation.doors import DOORS
from tests.mutation.events import EVENTS
from tests.mutation.layers import LAYERS
from tests.mutation.outside import OUTSIDE
from tests.mutation.releases import RELEASES
from tests.mutation.rollouts import ROLLOUTS
from tests.mutation.walls import WALLS
from tests.mutation.work import WORK

MUTANTS = [*WALLS, *DOORS, *WORK, *OUTSIDE, *APPROVALS, *EVENTS, *LAYERS, *RELEASES, *ROLLOUTS]
