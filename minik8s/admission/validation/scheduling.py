"""Validation of what binds a pod to nodes: affinity, tolerations, topology spread."""

from __future__ import annotations

from minik8s.admission.problems import Problems
from minik8s.admission.validation.common import (
    NOT_ZERO,
    check_one_of,
    check_requirement,
    check_selector,
)
from minik8s.model.formats import label_value, qualified_name
from minik8s.model.metadata import Document

EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def check_affinity(problems: Problems, path: str, affinity: Document) -> None:
    """`affinity` of a pod."""
    nodes = affinity.get("nodeAffinity") or {}
    if nodes.get(_REQUIRED) is not None:
        _check_node_selector(problems, f"{path}.nodeAffinity.{_REQUIRED}", nodes[_REQUIRED])
    for index, term in enumerate(nodes.get(_PREFERRED) or ()):
        where = f"{path}.nodeAffinity.{_PREFERRED}[{index}]"
        _check_weight(problems, where, term)
        _check_node_term(problems, f"{where}.preference", term.get("preference") or {})
    for field in ("podAffinity", "podAntiAffinity"):
        pods = affinity.get(field) or {}
        for index, term in enumerate(pods.get(_REQUIRED) or ()):
            _check_pod_term(problems, f"{path}.{field}.{_REQUIRED}[{index}]", term)
        for index, term in enumerate(pods.get(_PREFERRED) or ()):
            where = f"{path}.{field}.{_PREFERRED}[{index}]"
            _check_weight(problems, where, term)
            _check_pod_term(problems, f"{where}.podAffinityTerm", term.get("podAffinityTerm") or {})


def _check_weight(problems: Problems, path: str, term: Document) -> None:
    weight = term.get("weight", 0)
    if not 1 <= weight <= 100:
        problems.invalid(f"{path}.weight", weight, "must be in the range 1-100")


def _check_node_selector(problems: Problems, path: str, selector: Document) -> None:
    terms = selector.get("nodeSelectorTerms") or ()
    if not terms:
        problems.required(f"{path}.nodeSelectorTerms", "must have at least one node selector term")
    for index, term in enumerate(terms):
        _check_node_term(problems, f"{path}.nodeSelectorTerms[{index}]", term)


def _check_node_term(problems: Problems, path: str, term: Document) -> None:
    for index, expression in enumerate(term.get("matchExpressions") or ()):
        where = f"{path}.matchExpressions[{index}]"
        check_requirement(problems, where, expression, comparisons=("Gt", "Lt"))


def _check_pod_term(problems: Problems, path: str, term: Document) -> None:
    check_selector(problems, f"{path}.labelSelector", term.get("labelSelector"))
    check_selector(problems, f"{path}.namespaceSelector", term.get("namespaceSelector"))
    key = term.get("topologyKey", "")
    if not key:
        problems.required(f"{path}.topologyKey", "can not be empty")
    else:
        problems.each_invalid(f"{path}.topologyKey", key, qualified_name(key))


def check_tolerations(problems: Problems, path: str, tolerations: list[Document]) -> None:
    """`tolerations` of a pod."""
    for index, toleration in enumerate(tolerations):
        where = f"{path}[{index}]"
        key, operator = toleration.get("key", ""), toleration.get("operator", "")
        effect = toleration.get("effect", "")
        if key:
            problems.each_invalid(f"{where}.key", key, qualified_name(key))
        elif operator != "Exists":
            problems.invalid(
                f"{where}.operator",
                operator,
                'operator must be Exists when `key` is empty, which means "match all values and '
                'all keys"',
            )
        if toleration.get("tolerationSeconds") is not None and effect != "NoExecute":
            problems.invalid(
                f"{where}.effect",
                effect,
                "effect must be 'NoExecute' when `tolerationSeconds` is set",
            )
        _check_operator(problems, f"{where}.operator", operator, toleration.get("value", ""))
        if effect:
            check_one_of(problems, f"{where}.effect", effect, EFFECTS)


def _check_operator(problems: Problems, path: str, operator: str, value: str) -> None:
    if operator in ("", "Equal"):
        complaints = label_value(value)
        if complaints:
            problems.invalid(path, value, ";".join(complaints))
    elif operator == "Exists":
        if value:
            problems.invalid(path, value, "value must be empty when `operator` is 'Exists'")
    else:
        problems.not_supported(path, operator, ("Equal", "Exists"))


def check_taints(problems: Problems, path: str, taints: list[Document]) -> None:
    """`taints` of a node: each key once for each effect."""
    seen: set[tuple[str, str]] = set()
    for index, taint in enumerate(taints):
        where, key = f"{path}[{index}]", taint.get("key", "")
        problems.each_invalid(f"{where}.key", key, qualified_name(key))
        complaints = label_value(taint.get("value", ""))
        if complaints:
            problems.invalid(f"{where}.value", taint.get("value", ""), ";".join(complaints))
        check_one_of(problems, f"{where}.effect", taint.get("effect"), EFFECTS)
        if (key, taint.get("effect", "")) in seen:
            problems.duplicate(where, taint)
        seen.add((key, taint.get("effect", "")))


def check_spread(problems: Problems, path: str, constraints: list[Document]) -> None:
    """`topologySpreadConstraints` of a pod."""
    seen: set[tuple[str, str]] = set()
    for index, constraint in enumerate(constraints):
        where = f"{path}[{index}]"
        skew, key = constraint.get("maxSkew", 0), constraint.get("topologyKey", "")
        action = constraint.get("whenUnsatisfiable", "")
        if skew <= 0:
            problems.invalid(f"{where}.maxSkew", skew, NOT_ZERO)
        if not key:
            problems.required(f"{where}.topologyKey", "can not be empty")
        else:
            problems.each_invalid(f"{where}.topologyKey", key, qualified_name(key))
        if action not in ("DoNotSchedule", "ScheduleAnyway"):
            problems.not_supported(
                f"{where}.whenUnsatisfiable", action, ("DoNotSchedule", "ScheduleAnyway")
            )
        if (key, action) in seen:
            problems.duplicate(
                f"{where}.{{topologyKey, whenUnsatisfiable}}", f"{{{key}, {action}}}"
            )
        seen.add((key, action))
        check_selector(problems, f"{where}.labelSelector", constraint.get("labelSelector"))
