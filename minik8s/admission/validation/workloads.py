"""Validation of Deployments, ReplicaSets, StatefulSets, DaemonSets and their like."""

from __future__ import annotations

from minik8s.admission.problems import Problems
from minik8s.admission.validation.common import (
    check_fields_not_negative,
    check_int_or_percent,
    check_labels,
    check_not_negative,
    check_not_over_100_percent,
    check_one_of,
    check_selector,
    immutable,
    percent_of,
)
from minik8s.admission.validation.pods import check_template
from minik8s.model.metadata import Document, labels_of, name_of
from minik8s.model.selectors import SelectorError, label_selector

_MISMATCH = "`selector` does not match template `labels`"
_STATEFUL_FREE = (
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
)


def check_deployment(problems: Problems, document: Document) -> None:
    """The spec of a Deployment."""
    spec = document.get("spec") or {}
    check_not_negative(problems, "spec.replicas", spec.get("replicas"))
    _check_selector_and_template(
        problems, spec, "Deployment", "empty selector is invalid for deployment"
    )
    _check_deployment_strategy(problems, "spec.strategy", spec.get("strategy") or {})
    check_fields_not_negative(problems, "spec", spec, ("minReadySeconds", "revisionHistoryLimit"))
    deadline = spec.get("progressDeadlineSeconds")
    check_not_negative(problems, "spec.progressDeadlineSeconds", deadline)
    if deadline is not None and deadline <= spec.get("minReadySeconds", 0):
        problems.invalid(
            "spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds"
        )


def check_replica_set(problems: Problems, document: Document) -> None:
    """The spec of a ReplicaSet."""
    spec = document.get("spec") or {}
    check_fields_not_negative(problems, "spec", spec, ("replicas", "minReadySeconds"))
    _check_selector_and_template(
        problems, spec, "ReplicaSet", "empty selector is invalid for deployment"
    )


def check_selector_kept(problems: Problems, new: Document, old: Document) -> None:
    """A workload keeps its selector for good."""
    now, before = new.get("spec") or {}, old.get("spec") or {}
    immutable(problems, "spec.selector", now.get("selector"), before.get("selector"))


def _check_selector_and_template(
    problems: Problems, spec: Document, kind: str, empty: str, claims: tuple[str, ...] = ()
) -> None:
    selector = spec.get("selector")
    if selector is None:
        problems.required("spec.selector")
    else:
        check_selector(problems, "spec.selector", selector)
        if not selector.get("matchLabels") and not selector.get("matchExpressions"):
            problems.invalid("spec.selector", selector, empty)
    try:
        picks = label_selector(selector)
    except SelectorError:
        problems.invalid("spec.selector", selector, "invalid label selector")
        return
    template = spec.get("template") or {}
    labels = labels_of(template)
    if not picks.empty and not picks.matches(labels):
        problems.invalid("spec.template.metadata.labels", labels or None, _MISMATCH)
    check_template(problems, "spec.template", template, claims)
    check_endless(problems, "spec.template", template, kind)


def check_endless(problems: Problems, path: str, template: Document, kind: str) -> None:
    """Pods that are kept running start again whenever they end."""
    spec = template.get("spec") or {}
    policy = spec.get("restartPolicy")
    if policy != "Always":
        problems.not_supported(f"{path}.spec.restartPolicy", policy or "", ("Always",))
    if spec.get("activeDeadlineSeconds") is not None:
        problems.forbidden(
            f"{path}.spec.activeDeadlineSeconds",
            f"activeDeadlineSeconds in {kind} is not Supported",
        )


def _check_deployment_strategy(problems: Problems, path: str, strategy: Document) -> None:
    kind, rolling = strategy.get("type"), strategy.get("rollingUpdate")
    if kind == "Recreate":
        if rolling is not None:
            problems.forbidden(
                f"{path}.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'"
            )
    elif kind != "RollingUpdate":
        problems.not_supported(path, strategy, ("Recreate", "RollingUpdate"))
    else:
        _check_rolling(problems, f"{path}.rollingUpdate", rolling or {})


def _check_rolling(problems: Problems, path: str, rolling: Document) -> None:
    for field in ("maxUnavailable", "maxSurge"):
        check_int_or_percent(problems, f"{path}.{field}", rolling.get(field))
    unavailable = rolling.get("maxUnavailable")
    if _is_zero(unavailable) and _is_zero(rolling.get("maxSurge")):
        problems.invalid(f"{path}.maxUnavailable", unavailable, "may not be 0 when `maxSurge` is 0")
    check_not_over_100_percent(problems, f"{path}.maxUnavailable", unavailable)


def _is_zero(value: int | str | None) -> bool:
    return value == 0 or percent_of(value) == 0


def check_daemon_set(problems: Problems, document: Document) -> None:
    """The spec of a DaemonSet."""
    spec = document.get("spec") or {}
    selector, template = spec.get("selector"), spec.get("template") or {}
    labels = labels_of(template)
    check_selector(problems, "spec.selector", selector)
    try:
        if not label_selector(selector).matches(labels):
            problems.invalid("spec.template.metadata.labels", labels or None, _MISMATCH)
    except SelectorError:
        pass  # check_selector has said so
    if selector is not None and not any(selector.values()):
        problems.invalid("spec.selector", selector, "empty selector is invalid for daemonset")
    check_template(problems, "spec.template", template)
    check_endless(problems, "spec.template", template, "DaemonSet")
    check_fields_not_negative(problems, "spec", spec, ("minReadySeconds", "revisionHistoryLimit"))
    _check_daemon_strategy(problems, "spec.updateStrategy", spec.get("updateStrategy") or {})


def _check_daemon_strategy(problems: Problems, path: str, strategy: Document) -> None:
    kind = strategy.get("type")
    if kind == "RollingUpdate":
        rolling = strategy.get("rollingUpdate") or {}
        for field in ("maxUnavailable", "maxSurge"):
            where, value = f"{path}.rollingUpdate.{field}", rolling.get(field)
            check_int_or_percent(problems, where, value)
            check_not_over_100_percent(problems, where, value)
        surge, unavailable = (rolling.get(field) for field in ("maxSurge", "maxUnavailable"))
        if _is_zero(unavailable) and _is_zero(surge):
            problems.required(
                f"{path}.rollingUpdate.maxUnavailable", "cannot be 0 when maxSurge is 0"
            )
        elif not _is_zero(unavailable) and surge is not None and not _is_zero(surge):
            problems.invalid(
                f"{path}.rollingUpdate.maxSurge",
                surge,
                "may not be set when maxUnavailable is non-zero",
            )
    elif kind != "OnDelete":
        problems.not_supported(f"{path}.type", kind or "", ("RollingUpdate", "OnDelete"))


def check_stateful_set(problems: Problems, document: Document) -> None:
    """The spec of a StatefulSet; its claim templates are volumes of its pods, too."""
    spec = document.get("spec") or {}
    policy = spec.get("podManagementPolicy")
    if policy not in ("OrderedReady", "Parallel"):
        problems.invalid(
            "spec.podManagementPolicy", policy or "", "must be 'OrderedReady' or 'Parallel'"
        )
    _check_stateful_strategy(problems, "spec.updateStrategy", spec.get("updateStrategy") or {})
    retention = spec.get("persistentVolumeClaimRetentionPolicy") or {}
    for field, value in sorted(retention.items()):
        check_one_of(
            problems,
            f"spec.persistentVolumeClaimRetentionPolicy.{field}",
            value,
            ("Retain", "Delete"),
        )
    check_fields_not_negative(problems, "spec", spec, ("replicas", "minReadySeconds"))
    ordinals = spec.get("ordinals") or {}
    check_not_negative(problems, "spec.ordinals.start", ordinals.get("start"))
    claims = tuple(name_of(claim) for claim in spec.get("volumeClaimTemplates") or ())
    _check_selector_and_template(
        problems, spec, "StatefulSet", "empty selector is invalid for statefulset", claims
    )


def _check_stateful_strategy(problems: Problems, path: str, strategy: Document) -> None:
    kind, rolling = strategy.get("type"), strategy.get("rollingUpdate")
    if kind == "OnDelete":
        if rolling is not None:
            problems.invalid(
                f"{path}.rollingUpdate", rolling, "only allowed for updateStrategy 'RollingUpdate'"
            )
    elif kind == "RollingUpdate":
        check_not_negative(
            problems, f"{path}.rollingUpdate.partition", (rolling or {}).get("partition")
        )
    else:
        problems.invalid(path, strategy, "must be 'RollingUpdate' or 'OnDelete'")


def check_stateful_set_update(problems: Problems, new: Document, old: Document) -> None:
    """What may change in a stored StatefulSet."""
    now, before = new.get("spec") or {}, old.get("spec") or {}
    check_stateful_set(problems, new)
    if _without(now) != _without(before):
        *first, last = (f"'{field}'" for field in _STATEFUL_FREE)
        problems.forbidden(
            "spec",
            f"updates to statefulset spec for fields other than {', '.join(first)} and {last} "
            "are forbidden",
        )


def _without(spec: Document) -> Document:
    return {name: value for name, value in spec.items() if name not in _STATEFUL_FREE}


def check_replication_controller(problems: Problems, document: Document) -> None:
    """The spec of a ReplicationController."""
    spec = document.get("spec") or {}
    check_not_negative(problems, "spec.minReadySeconds", spec.get("minReadySeconds"))
    selector, template = spec.get("selector") or {}, spec.get("template")
    if not selector:
        problems.required("spec.selector")
    check_not_negative(problems, "spec.replicas", spec.get("replicas"))
    if template is None:
        problems.required("spec.template")
        return
    labels = labels_of(template)
    if selector and not selector.items() <= labels.items():
        problems.invalid("spec.template.metadata.labels", labels or None, _MISMATCH)
    check_template(problems, "spec.template", template)
    check_endless(problems, "spec.template", template, "ReplicationController")
    check_labels(problems, "spec.selector", selector)
