"""The shape of a workflow's connections."""

from typing import Any

from controlplane.workflow.findings import Findings, kind_of
from controlplane.workflow.shapes import Edge, Json

MOST_OUTPUTS = 1_000


class WiringCheck(Findings):
    """`names` are the names and ids of nodes, each with the node's name."""

    def __init__(self, place: str, names: dict[str, str]) -> None:
        super().__init__(place)
        self.names = names
        self.loose: list[Edge] = []

    def connections(self, workflow: Json) -> None:
        given = workflow.get("connections")
        if given is None or given == []:
            self.note("", "connections", "there were none")
            workflow["connections"] = given = {}
        if not isinstance(given, dict):
            self.error("connections", f"must be an object, and is {kind_of(given)}")
            return
        sound: Json = {}
        for source, kinds in given.items():
            path = f"connections.{source[:100]}"
            if not isinstance(kinds, dict):
                if kinds:
                    self.error(path, f"must be an object of outputs, and is {kind_of(kinds)}")
                continue
            name = self.names.get(source, "")
            if not name:
                self.note(source, path, "leaves a node that is not there")
            elif name != source:
                self.note(name, path, "was called by its id")
            for kind, outputs in kinds.items():
                checked = self._outputs(outputs, f"{path}.{kind}", source, kind)
                if name and checked is not None:
                    _extend(sound.setdefault(name, {}).setdefault(kind, []), checked)
        workflow["connections"] = sound

    def _outputs(
        self, outputs: Any, path: str, source: str, kind: str
    ) -> list[list[Json] | None] | None:
        if outputs is None or outputs == {}:
            return None
        if not isinstance(outputs, list):
            self.error(path, f"must be a list of outputs, and is {kind_of(outputs)}")
            return None
        if len(outputs) > MOST_OUTPUTS:
            self.error(path, f"has {len(outputs)} outputs; at most {MOST_OUTPUTS} are read")
            return None
        if any(isinstance(output, dict) and "node" in output for output in outputs):
            # One list too few: targets where the outputs belong.
            outputs = [[output for output in outputs if output is not None]]
            self.note(source, path, "was one list too flat")
        return [
            self._output(output, f"{path}.{number}", Edge(source, kind, number, ""))
            for number, output in enumerate(outputs)
        ]

    def _output(self, output: Any, path: str, at: Edge) -> list[Json] | None:
        if output is None or output == {}:
            return None
        if not isinstance(output, list):
            self.error(path, f"must be a list of targets, and is {kind_of(output)}")
            return None
        targets = []
        for number, target in enumerate(output):
            if target is None:
                continue
            if not isinstance(target, dict) or not isinstance(target.get("node"), str):
                self.error(f"{path}.{number}", "must name the `node` that it leads to")
                continue
            self._complete(target, f"{path}.{number}", at.kind)
            there = self.names.get(target["node"], "")
            if at.source in self.names and there:
                target["node"] = there
                targets.append(target)
                continue
            self.loose.append(
                at._replace(target=target["node"], input=target["type"], slot=target["index"])
            )
            if at.source in self.names:
                told = f"led to “{target['node'][:100]}”, which is not there"
                self.note(self.names[at.source], f"{path}.{number}", told)
        return targets

    def _complete(self, target: Json, path: str, kind: str) -> None:
        into = target.get("type")
        if not isinstance(into, str) or not into:
            target["type"] = kind
        index = target.setdefault("index", 0)
        if isinstance(index, str) and index.isdecimal() and len(index) < 5:
            target["index"] = index = int(index)
        if isinstance(index, float) and index.is_integer():
            target["index"] = index = int(index)
        if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < MOST_OUTPUTS:
            told = f"must be the number of an input of “{target['node'][:100]}”"
            self.error(f"{path}.index", told)


def _extend(outputs: list[list[Json] | None], more: list[list[Json] | None]) -> None:
    """A node may be there by its name and by its id: it has the edges of both, each once."""
    for number, targets in enumerate(more):
        if number == len(outputs):
            outputs.append(targets)
        elif targets:
            known = outputs[number] or []
            outputs[number] = [*known, *(target for target in targets if target not in known)]
