"""The arithmetic of a rolling update: pure functions over a Deployment and its ReplicaSets.

After pkg/controller/deployment/util: *surge* is how many pods there may be beyond
`spec.replicas`, *unavailable* how many may be missing; both are numbers or percentages.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from minik8s.model.formats import whole
from minik8s.model.metadata import Document, annotations_of, labels_of, name_of
from minik8s.model.workloads import replicas_of

REVISION = "deployment.kubernetes.io/revision"
REVISION_HISTORY = "deployment.kubernetes.io/revision-history"
DESIRED_REPLICAS = "deployment.kubernetes.io/desired-replicas"
MAX_REPLICAS = "deployment.kubernetes.io/max-replicas"
HASH_LABEL = "pod-template-hash"

_OWN = frozenset(
    {
        "kubectl.kubernetes.io/last-applied-configuration",
        REVISION,
        REVISION_HISTORY,
        DESIRED_REPLICAS,
        MAX_REPLICAS,
        "deprecated.deployment.rollback.to",
    }
)
"""Annotations that a Deployment does not hand on to its ReplicaSets."""


def is_rolling(deployment: Mapping[str, Any]) -> bool:
    """Whether pods are replaced bit by bit; the other strategy is Recreate."""
    strategy = deployment["spec"].get("strategy") or {}
    return bool(strategy.get("type", "RollingUpdate") == "RollingUpdate")


def fence_posts(deployment: Mapping[str, Any]) -> tuple[int, int]:
    """(surge, unavailable) in pods: surge rounds up, unavailable down, both 0 becomes 0 and 1.

    >>> fence_posts({"spec": {"replicas": 10}})
    (3, 2)
    """
    if not is_rolling(deployment):
        return 0, 0
    rolling = (deployment["spec"].get("strategy") or {}).get("rollingUpdate") or {}
    replicas = replicas_of(deployment)
    surge = scaled(rolling.get("maxSurge", "25%"), replicas, up=True)
    unavailable = scaled(rolling.get("maxUnavailable", "25%"), replicas, up=False)
    if surge == 0 and unavailable == 0:
        return 0, 1
    return surge, min(unavailable, replicas)


def scaled(value: int | str, total: int, *, up: bool) -> int:
    """A number, or a percentage of a total (intstr.GetScaledValueFromIntOrPercent)."""
    if isinstance(value, str) and value.endswith("%"):
        part = whole(value[:-1]) * total / 100
        return math.ceil(part) if up else math.floor(part)
    return int(value)


def bare_template(owner: Mapping[str, Any]) -> Document:
    """The pod template without the hash label: what makes two revisions equal."""
    template: Document = owner["spec"].get("template") or {}
    labels = labels_of(template)
    if HASH_LABEL not in labels:
        return template
    metadata = {**template["metadata"]}
    metadata["labels"] = {key: value for key, value in labels.items() if key != HASH_LABEL}
    return {**template, "metadata": metadata}


def newest_set(deployment: Document, sets: Iterable[Document]) -> Document | None:
    """The ReplicaSet with the Deployment's present template, the oldest if there are several."""
    wanted = bare_template(deployment)
    equal = [each for each in sets if bare_template(each) == wanted]
    return min(equal, key=_age, default=None)


def by_age(sets: Iterable[Document]) -> list[Document]:
    """ReplicaSets, oldest first."""
    return sorted(sets, key=_age)


def _age(replica_set: Mapping[str, Any]) -> tuple[str, str]:
    return str(replica_set["metadata"].get("creationTimestamp", "")), name_of(replica_set)


def revision_of(document: Mapping[str, Any]) -> int:
    """The revision annotation, 0 without one."""
    try:
        return int(annotations_of(document).get(REVISION, "0"))
    except ValueError:
        return 0


def wanted_total(sets: Iterable[Mapping[str, Any]]) -> int:
    """How many pods the ReplicaSets ask for."""
    return sum(replicas_of(each) for each in sets)


def _present(replica_set: Mapping[str, Any]) -> int:
    return max(replicas_of(replica_set), int(replica_set.get("status", {}).get("replicas") or 0))


def counted(sets: Iterable[Mapping[str, Any]], field: str) -> int:
    """The sum of one status field of the ReplicaSets."""
    return sum(int(each.get("status", {}).get(field) or 0) for each in sets)


def new_set_size(deployment: Document, new: Document | None, sets: Sequence[Document]) -> int:
    """How many replicas the newest ReplicaSet may have now (NewRSNewReplicas).

    Pods that a shrinking ReplicaSet has not let go yet count, so the surge is never exceeded.
    """
    replicas = replicas_of(deployment)
    if not is_rolling(deployment):
        return replicas
    current = replicas_of(new) if new is not None else 0
    if current >= replicas:
        return replicas
    room = replicas + fence_posts(deployment)[0] - sum(map(_present, sets))
    return current + max(0, min(room, replicas - current))


def old_set_sizes(
    deployment: Document, new: Document, old: Sequence[Document]
) -> list[tuple[Document, int]]:
    """The old ReplicaSets that may shrink now, with their new sizes.

    First go pods that are not healthy anyway, then as many healthy ones as may be missing.
    """
    minimum = replicas_of(deployment) - fence_posts(deployment)[1]
    everything = [*old, new]
    missing = replicas_of(new) - counted([new], "availableReplicas")
    allowed = wanted_total(everything) - minimum - missing
    sizes = {name_of(each): replicas_of(each) for each in old}
    if allowed <= 0:
        return []
    for each in by_age(old):
        sick = sizes[name_of(each)] - counted([each], "availableReplicas")
        cut = max(0, min(allowed, sick))
        sizes[name_of(each)] -= cut
        allowed -= cut
    spare = counted(everything, "availableReplicas") - minimum
    for each in by_age(old):
        cut = max(0, min(spare, sizes[name_of(each)]))
        sizes[name_of(each)] -= cut
        spare -= cut
    return [
        (each, sizes[name_of(each)]) for each in old if sizes[name_of(each)] < replicas_of(each)
    ]


def is_complete(deployment: Document, status: Mapping[str, Any]) -> bool:
    """Whether every pod is new and available (util.DeploymentComplete)."""
    replicas = replicas_of(deployment)
    fields = ("updatedReplicas", "replicas", "availableReplicas")
    if any(status.get(field, 0) != replicas for field in fields):
        return False
    seen = int(status.get("observedGeneration", 0))
    return seen >= int(deployment["metadata"].get("generation", 0))


def is_progressing(status: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    """Whether a status shows movement (util.DeploymentProgressing)."""
    old_pods = status.get("replicas", 0) - status.get("updatedReplicas", 0)
    old_before = before.get("replicas", 0) - before.get("updatedReplicas", 0)
    fields = ("updatedReplicas", "readyReplicas", "availableReplicas")
    return old_pods < old_before or any(status.get(f, 0) > before.get(f, 0) for f in fields)


def handed_on(deployment: Mapping[str, Any]) -> dict[str, str]:
    """The annotations that a Deployment hands on to its ReplicaSets."""
    return {key: value for key, value in annotations_of(deployment).items() if key not in _OWN}


def proportions(deployment: Document, sets: Sequence[Document]) -> list[tuple[Document, int]]:
    """New sizes of ReplicaSets when a Deployment is scaled in the middle of a rollout.

    Each gets a share by its size, the largest first; what rounding leaves goes to the largest.
    """
    replicas = replicas_of(deployment)
    total = wanted_total(sets)
    allowed = replicas + fence_posts(deployment)[0] if replicas else 0
    to_add = allowed - total
    ordered = sorted(sets, key=lambda each: (-replicas_of(each), _age(each)))
    if to_add < 0:
        ordered = sorted(sets, key=lambda each: (-replicas_of(each), _reverse(_age(each)[0])))
    sizes, added = [], 0
    for each in ordered:
        share = 0
        if to_add and total:
            share = _share(each, deployment, allowed, to_add, added)
        sizes.append(replicas_of(each) + share)
        added += share
    if sizes:
        sizes[0] = max(0, sizes[0] + to_add - added)
    return [(each, size) for each, size in zip(ordered, sizes, strict=True)]


def _share(each: Document, deployment: Document, allowed: int, to_add: int, added: int) -> int:
    noted = annotations_of(each).get(MAX_REPLICAS, "")
    known = whole(noted) if noted.isascii() and noted.isdigit() else 0
    before = known or replicas_of(deployment)
    fraction = round(replicas_of(each) * allowed / before) - replicas_of(each)
    if to_add > 0:
        return max(0, min(fraction, to_add - added))
    return min(0, max(fraction, to_add - added))


def _reverse(text: str) -> tuple[int, ...]:
    return tuple(-ord(letter) for letter in text)
