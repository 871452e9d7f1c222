"""What the kubelet does before a container runs: pull its image, find its configuration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from minik8s.controllers.events import Recorder, Source
from minik8s.controllers.images import InvalidReference, normalize, pull_policy, pull_time, size_of
from minik8s.model.metadata import Document, namespace_of
from minik8s.model.registry import CONFIG_MAP, SECRET, Kind
from minik8s.model.workloads import node_name
from minik8s.store import Store

INVALID_IMAGE = "InvalidImageName"
CONFIG_ERROR = "CreateContainerConfigError"

_PRESENT = 'Container image "{image}" already present on machine'
_PULLED = 'Successfully pulled image "{image}"'
_TIMED = f"{_PULLED} in {{took}} ({{took}} including waiting)"
_SIZED = f"{_TIMED}. Image size: {{size}} bytes."
_CREATED = "Created container {name}"
_STARTED = "Started container {name}"


@dataclass(frozen=True, slots=True)
class Words:
    """How a kubelet tells of starting a container."""

    present: str
    pulled: str
    created: str
    started: str


_WORDS = (
    (
        35,
        Words(
            f"{_PRESENT} and can be accessed by the pod",
            _SIZED,
            "Container created",
            "Container started",
        ),
    ),
    (32, Words(_PRESENT, _SIZED, "Created container: {name}", _STARTED)),
    (31, Words(_PRESENT, _SIZED, _CREATED, _STARTED)),
    (27, Words(_PRESENT, _TIMED, _CREATED, _STARTED)),
    (20, Words(_PRESENT, f"{_PULLED} in {{took}}", _CREATED, _STARTED)),
    (0, Words(_PRESENT, _PULLED, _CREATED, _STARTED)),
)
"""The words since each minor release."""


def words_of(minor: int) -> Words:
    """The words of the kubelet of Kubernetes 1.`minor`."""
    return next(words for since, words in _WORDS if minor >= since)


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a container waits: the reason and message of its waiting state."""

    reason: str
    message: str


class Starter:
    """Creates containers on all nodes, and remembers which node has which image."""

    __slots__ = ("_images", "_recorder", "_store", "_words")

    def __init__(self, store: Store, recorder: Recorder, words: Words) -> None:
        self._words = words
        self._store = store
        self._recorder = recorder
        self._images: set[tuple[str, str]] = set()

    def know_image(self, node: str, image: str) -> None:
        """Have an image on a node before anybody pulls it."""
        self._images.add((node, normalize(image)))

    def create(self, pod: Document, container: Document) -> Obstacle | None:
        """Create one container, with the events of doing so; gives what is in the way."""
        obstacle = self._pull(pod, container) or self._missing(pod, container)
        if obstacle is None:
            text = self._words.created.format(name=container["name"])
            self.tell(pod, container, "Created", text)
        return obstacle

    def started(self, pod: Document, container: Document) -> None:
        """Record that a container has been started."""
        text = self._words.started.format(name=container["name"])
        self.tell(pod, container, "Started", text)

    def fail_to_start(self, pod: Document, container: Document) -> None:
        """Record that the container's command is not there."""
        self.warn(pod, container, "Failed", f"Error: {start_failure(container)}")

    def missing_volume(self, pod: Document) -> str:
        """What to say of a volume whose ConfigMap or Secret is not there; empty if all are."""
        for volume in pod["spec"].get("volumes") or ():
            for kind, name in _volume_sources(volume):
                if self._store.get(kind, namespace_of(pod), name) is None:
                    problem = f'{kind.singular} "{name}" not found'
                    return f'MountVolume.SetUp failed for volume "{volume["name"]}" : {problem}'
        return ""

    def tell(self, pod: Document, container: Document, reason: str, message: str) -> None:
        """Record a normal event about a container."""
        source = Source("kubelet", node_name(pod))
        self._recorder.normal(pod, reason, message, source, field_path(pod, container))

    def warn(self, pod: Document, container: Document, reason: str, message: str) -> None:
        """Record a warning about a container."""
        source = Source("kubelet", node_name(pod))
        self._recorder.warning(pod, reason, message, source, field_path(pod, container))

    def _pull(self, pod: Document, container: Document) -> Obstacle | None:
        image = str(container.get("image", ""))
        try:
            there = (node_name(pod), normalize(image))
        except InvalidReference as error:
            problem = f'couldn\'t parse image name "{image}": {error}'
            message = f'Failed to apply default image tag "{image}": {problem}'
            self.warn(pod, container, "InspectFailed", message)
            self.warn(pod, container, "Failed", f"Error: {INVALID_IMAGE}")
            return Obstacle(INVALID_IMAGE, message)
        if there in self._images and pull_policy(container) != "Always":
            self.tell(pod, container, "Pulled", self._words.present.format(image=image))
            return None
        self._images.add(there)
        took, size = duration(pull_time(image)), size_of(image)
        self.tell(pod, container, "Pulling", f'Pulling image "{image}"')
        text = self._words.pulled.format(image=image, took=took, size=size)
        self.tell(pod, container, "Pulled", text)
        return None

    def _missing(self, pod: Document, container: Document) -> Obstacle | None:
        for kind, name, key in _environment_sources(container):
            found = self._store.get(kind, namespace_of(pod), name)
            if found is None:
                problem = f'{kind.singular} "{name}" not found'
            elif key and key not in (found.get("data") or {}):
                where = f"{kind.kind} {namespace_of(pod)}/{name}"
                problem = f"couldn't find key {key} in {where}"
            else:
                continue
            self.warn(pod, container, "Failed", f"Error: {problem}")
            return Obstacle(CONFIG_ERROR, problem)
        return None


def start_failure(container: Mapping[str, Any]) -> str:
    """What containerd says when a container's command cannot be run."""
    words = container.get("command") or container.get("args") or [container.get("image", "")]
    name = str(words[0])
    why = "executable file not found in $PATH"
    if "/" in name:
        why = f"stat {name}: no such file or directory"
    return (
        "failed to create containerd task: failed to create shim task: OCI runtime create failed: "
        "runc create failed: unable to start container process: error during container init: "
        f'exec: "{name}": {why}'
    )


def field_path(pod: Mapping[str, Any], container: Mapping[str, Any]) -> str:
    """Where a container stands in its pod, as events name it: `spec.containers{web}`."""
    name = container["name"]
    inits = pod["spec"].get("initContainers") or ()
    group = "initContainers" if any(each["name"] == name for each in inits) else "containers"
    return f"spec.{group}{{{name}}}"


def duration(seconds: float) -> str:
    """A time span as Go prints it, to the millisecond.

    >>> duration(10), duration(80), duration(1.25), duration(300)
    ('10s', '1m20s', '1.25s', '5m0s')
    """
    minutes, rest = divmod(round(seconds, 3), 60)
    text = f"{rest:.3f}".rstrip("0").rstrip(".") + "s"
    return f"{int(minutes)}m{text}" if minutes else text


def _volume_sources(volume: Mapping[str, Any]) -> Iterator[tuple[Kind, str]]:
    config, secret = volume.get("configMap"), volume.get("secret")
    if config and not config.get("optional"):
        yield CONFIG_MAP, config["name"]
    if secret and not secret.get("optional"):
        yield SECRET, secret["secretName"]


def _environment_sources(container: Mapping[str, Any]) -> Iterator[tuple[Kind, str, str]]:
    for entry in container.get("envFrom") or ():
        for field, kind in (("configMapRef", CONFIG_MAP), ("secretRef", SECRET)):
            reference = entry.get(field)
            if reference and not reference.get("optional"):
                yield kind, reference["name"], ""
    for entry in container.get("env") or ():
        source = entry.get("valueFrom") or {}
        for field, kind in (("configMapKeyRef", CONFIG_MAP), ("secretKeyRef", SECRET)):
            reference = source.get(field)
            if reference and not reference.get("optional"):
                yield kind, reference["name"], reference["key"]
