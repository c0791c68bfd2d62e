"""The containers of a request, in each form that AWS Batch has for what a job changes of them.

A job has one container (`containerOverrides`), those of a task (`ecsPropertiesOverride`), those of
a pod (`eksPropertiesOverride`) or of the nodes of a multi-node parallel job (`nodeOverrides`).
Which form a request has, its job definition decides: AWS Batch refuses others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from batchrelay.domain.values import Json

ONE_CONTAINER = "containerOverrides"
TASK = "ecsPropertiesOverride"
POD = "eksPropertiesOverride"
NODES = "nodeOverrides"
FORMS = (ONE_CONTAINER, TASK, POD, NODES)

ALL_NODES = "0:"
"""Of a request that names no nodes. AWS Batch wants the ranges of the job definition, word for
word. Source: SubmitJob, "NodeOverride targets should match job definition"."""

Path = tuple[str | int, ...]

_EACH = "*"
_OF_A_JOB = (
    (ONE_CONTAINER,),
    (TASK, "taskProperties", _EACH, "containers", _EACH),
    (POD, "podProperties", "initContainers", _EACH),
    (POD, "podProperties", "containers", _EACH),
)
_OF_NODES = tuple((NODES, "nodePropertyOverrides", _EACH, *places) for places in _OF_A_JOB)
_PLACES = (*_OF_A_JOB, *_OF_NODES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """What a request changes of one container, and where that stands in it."""

    path: Path
    values: Mapping[str, Json]

    @property
    def is_of_pod(self) -> bool:
        """Whether it is written in the words of Kubernetes."""
        return POD in self.path

    @property
    def variables_key(self) -> str:
        """Under which its environment variables stand."""
        return "env" if self.is_of_pod else "environment"

    @property
    def variables(self) -> list[Mapping[str, Json]]:
        """Its environment variables: `{name, value}` of each."""
        return self._entries(self.variables_key)

    @property
    def requirements(self) -> list[Mapping[str, Json]]:
        """Its resourceRequirements; a pod's container has none."""
        return self._entries("resourceRequirements")

    def _entries(self, key: str) -> list[Mapping[str, Json]]:
        entries = self.values.get(key)
        listed = entries if isinstance(entries, list) else []
        return [entry for entry in listed if isinstance(entry, Mapping)]

    @property
    def memory(self) -> str | None:
        """MiB, as it is written; None if it does not stand here."""
        if not self.is_of_pod:
            texts = (str(e.get("value")) for e in self.requirements if e.get("type") == "MEMORY")
            return next(texts, None)
        text = pod_amounts(self.values.get("resources")).get("memory")
        return None if text is None else str(text).removesuffix("Mi")


def pod_amounts(resources: Json) -> Mapping[str, Json]:
    """What a container of a pod asks for: AWS Batch takes it in `limits`, in `requests`, or in
    both. Source: EksContainerResourceRequirements."""
    places = resources if isinstance(resources, Mapping) else {}
    amounts: dict[str, Json] = {}
    for name in ("limits", "requests"):
        own = places.get(name)
        amounts |= own if isinstance(own, Mapping) else {}
    return amounts


def is_of_pods(request: Mapping[str, Json]) -> bool:
    """Whether it is for EKS."""
    return POD in request or any(container.is_of_pod for container in containers_of(request))


def containers_of(request: Mapping[str, Json]) -> Iterator[Container]:
    """All that a request names, in every form that it has."""
    for place in _PLACES:
        for path, values in _found(request, place, ()):
            yield Container(path=path, values=values)


def with_containers(
    request: Mapping[str, Json], change: Callable[[Container], Mapping[str, Json]]
) -> dict[str, Json]:
    """A request in which a function has replaced what a request says of each of its containers."""
    changed: Json = request
    for container in containers_of(request):
        changed = _replaced(changed, container.path, change(container))
    assert isinstance(changed, Mapping)
    return dict(changed)


def with_variables(
    request: Mapping[str, Json], variables: Sequence[Mapping[str, str]]
) -> dict[str, Json]:
    """A request with more environment variables, for each of its containers."""

    def more(container: Container) -> Mapping[str, Json]:
        return {**container.values, container.variables_key: [*container.variables, *variables]}

    return with_containers(with_a_place(request), more)


def merged_requests(under: Mapping[str, Json], over: Mapping[str, Json]) -> dict[str, Json]:
    """As `merged`, but containers, and ranges of nodes, are merged with those of the same name."""
    result = dict(under)
    for key, value in over.items():
        below = result.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            result[key] = merged_requests(below, value)
        elif key in _NAMES and isinstance(below, list) and isinstance(value, list):
            result[key] = _merged_lists(below, value, _NAMES[key])
        else:
            result[key] = value
    return result


_NAMES = {
    "taskProperties": "",
    "containers": "name",
    "initContainers": "name",
    "nodePropertyOverrides": "targetNodes",
}
"""Lists whose entries have a name each, and under which key. A job has one task."""


def _merged_lists(under: list[Json], over: list[Json], key: str) -> Json:
    by_name = {_name(entry, key): entry for entry in under}
    for entry in over:
        below = by_name.get(_name(entry, key))
        both = isinstance(below, Mapping) and isinstance(entry, Mapping)
        by_name[_name(entry, key)] = merged_requests(below, entry) if both else entry  # type: ignore[arg-type]
    return list(by_name.values())


def _name(entry: Json, key: str) -> str:
    return str(entry.get(key, "")) if isinstance(entry, Mapping) else repr(entry)


def with_a_place(request: Mapping[str, Json]) -> Mapping[str, Json]:
    """A request that has a place for changes, if it changes nothing of any container. Of a job
    definition with names for its containers, the file has to name them."""
    if not any(form in request for form in FORMS):
        return {**request, ONE_CONTAINER: {}}
    nodes = request.get(NODES)
    if not isinstance(nodes, Mapping) or nodes.get("nodePropertyOverrides"):
        return request
    everywhere: Json = [{"targetNodes": ALL_NODES, ONE_CONTAINER: {}}]
    return {**request, NODES: {**nodes, "nodePropertyOverrides": everywhere}}


def _found(
    value: Json, place: Sequence[str], path: Path
) -> Iterator[tuple[Path, Mapping[str, Json]]]:
    if not place:
        if isinstance(value, Mapping):
            yield path, value
    elif place[0] == _EACH:
        for index, entry in enumerate(value if isinstance(value, list) else ()):
            yield from _found(entry, place[1:], (*path, index))
    elif isinstance(value, Mapping) and place[0] in value:
        yield from _found(value[place[0]], place[1:], (*path, place[0]))


def _replaced(document: Json, path: Path, value: Json) -> Json:
    if not path:
        return value
    [first, *rest] = path
    if isinstance(first, int):
        assert isinstance(document, list)
        return [
            *document[:first],
            _replaced(document[first], tuple(rest), value),
            *document[first + 1 :],
        ]
    assert isinstance(document, Mapping)
    return {**document, first: _replaced(document[first], tuple(rest), value)}
