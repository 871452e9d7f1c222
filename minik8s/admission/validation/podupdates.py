"""What may change in a stored pod: next to nothing (ValidatePodUpdate)."""

from __future__ import annotations

from minik8s.admission.problems import Problems, shown
from minik8s.admission.validation.pods import MIRROR, SECONDS_MAX, check_pod
from minik8s.model.formats import out_of_range
from minik8s.model.metadata import Document, annotations_of

UPDATABLE = (
    "`spec.containers[*].image`",
    "`spec.initContainers[*].image`",
    "`spec.activeDeadlineSeconds`",
    "`spec.tolerations` (only additions to existing tolerations)",
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
)

_FIELDS = (
    "volumes",
    "initContainers",
    "containers",
    "ephemeralContainers",
    "restartPolicy",
    "terminationGracePeriodSeconds",
    "activeDeadlineSeconds",
    "dnsPolicy",
    "nodeSelector",
    "serviceAccountName",
    "automountServiceAccountToken",
    "nodeName",
    "securityContext",
    "imagePullSecrets",
    "hostname",
    "subdomain",
    "setHostnameAsFQDN",
    "affinity",
    "schedulerName",
    "tolerations",
    "hostAliases",
    "priorityClassName",
    "priority",
    "preemptionPolicy",
    "dnsConfig",
    "readinessGates",
    "runtimeClassName",
    "overhead",
    "enableServiceLinks",
    "topologySpreadConstraints",
    "os",
    "schedulingGates",
    "resourceClaims",
    "resources",
)
"""The fields of a PodSpec in the order of Go's struct, in which its differences are printed."""


def check_pod_update(problems: Problems, new: Document, old: Document) -> None:
    """The annotations and the spec of a changed pod."""
    check_pod(problems, new)
    _check_mirror(problems, new, old)
    now, before = new.get("spec") or {}, old.get("spec") or {}
    for field in ("containers", "initContainers"):
        if len(now.get(field) or ()) != len(before.get(field) or ()):
            problems.forbidden(f"spec.{field}", "pod updates may not add or remove containers")
            return
        for index, container in enumerate(now.get(field) or ()):
            if not container.get("image"):
                problems.required(f"spec.{field}[{index}].image")
    if not _check_deadline(problems, now, before):
        return
    _check_tolerations(problems, now, before)
    _check_gates(problems, now, before)
    _check_rest(problems, now, before)


def _check_mirror(problems: Problems, new: Document, old: Document) -> None:
    now, before = annotations_of(new).get(MIRROR), annotations_of(old).get(MIRROR)
    path = f"metadata.annotations[{MIRROR}]"
    if before is not None and now != before:
        problems.forbidden(path, "may not remove or update mirror pod annotation")
    elif before is None and now is not None:
        problems.forbidden(path, "may not add mirror pod annotation")


def _check_deadline(problems: Problems, now: Document, before: Document) -> bool:
    path, seconds = "spec.activeDeadlineSeconds", now.get("activeDeadlineSeconds")
    old = before.get("activeDeadlineSeconds")
    if seconds is None:
        if old is not None:
            problems.invalid(path, None, "must not update from a positive integer to nil value")
        return True
    if not 0 <= seconds <= SECONDS_MAX:
        problems.invalid(path, seconds, out_of_range(0, SECONDS_MAX))
        return False
    if old is not None and old < seconds:
        problems.invalid(path, seconds, "must be less than or equal to previous value")
        return False
    return True


def _check_tolerations(problems: Problems, now: Document, before: Document) -> None:
    kept = [_timeless(toleration) for toleration in now.get("tolerations") or ()]
    for toleration in before.get("tolerations") or ():
        if _timeless(toleration) not in kept:
            problems.forbidden(
                "spec.tolerations",
                "existing toleration can not be modified except its tolerationSeconds",
            )
            return


def _timeless(toleration: Document) -> Document:
    return {name: value for name, value in toleration.items() if name != "tolerationSeconds"}


def _check_gates(problems: Problems, now: Document, before: Document) -> None:
    known = {gate.get("name") for gate in before.get("schedulingGates") or ()}
    for index, gate in enumerate(now.get("schedulingGates") or ()):
        if gate.get("name") not in known:
            problems.forbidden(
                f"spec.schedulingGates[{index}].name",
                f"only deletion is allowed, but found new scheduling gate '{gate.get('name')}'",
            )


def _check_rest(problems: Problems, now: Document, before: Document) -> None:
    """Everything that no rule above lets change must be as it was."""
    changed = _settled(now, before)
    if changed == before:
        return
    lines = _difference(before, changed)
    problems.forbidden(
        "spec",
        f"pod updates may not change fields other than {','.join(UPDATABLE)}\n{lines}",
    )


def _settled(now: Document, before: Document) -> Document:
    """The new spec with the old values of what may change."""
    settled = dict(now)
    for field in ("containers", "initContainers"):
        if field in now:
            pairs = zip(now[field], before.get(field) or (), strict=False)
            settled[field] = [{**new, "image": old.get("image", "")} for new, old in pairs]
    for field in ("activeDeadlineSeconds", "schedulingGates", "tolerations"):
        settled.pop(field, None)
        if field in before:
            settled[field] = before[field]
    grace = before.get("terminationGracePeriodSeconds")
    if (grace or 0) < 0 and now.get("terminationGracePeriodSeconds") == 1:
        settled["terminationGracePeriodSeconds"] = grace
    return settled


def _difference(before: Document, after: Document) -> str:
    """The fields that differ, laid out like the difference that the API server prints.

    Go's own report goes deeper into the values; here each value is one line of JSON.
    """
    extra = sorted({*before, *after} - {*_FIELDS, "serviceAccount"})
    lines, same = ["  core.PodSpec{"], 0
    for field in (*_FIELDS, *extra):
        old, new = before.get(field), after.get(field)
        if old == new:
            same += 1
            continue
        lines += _identical(same)
        same = 0
        label = field[0].upper() + field[1:]
        lines += [f"- \t{label}: {_literal(old)},", f"+ \t{label}: {_literal(new)},"]
    return "\n".join([*lines, *_identical(same), "  }", ""])


def _identical(count: int) -> list[str]:
    return [f"  \t... // {count} identical fields"] if count else []


def _literal(value: object) -> str:
    return "nil" if value is None else shown(value)
