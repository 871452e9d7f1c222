"""Validation of a container's environment, and of references to fields, keys and resources."""

from __future__ import annotations

from minik8s.admission.problems import Problems
from minik8s.admission.validation.common import check_format, check_name
from minik8s.model.formats import config_map_key, dns1123_subdomain, qualified_name
from minik8s.model.metadata import Document

ENV_FIELDS = (
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
VOLUME_FIELDS = (
    "metadata.annotations",
    "metadata.labels",
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
)
RESOURCES = tuple(
    f"{side}.{name}"
    for side in ("limits", "requests")
    for name in ("cpu", "ephemeral-storage", "memory")
)

_CONVERTIBLE = {*ENV_FIELDS, *VOLUME_FIELDS, "spec.restartPolicy", "spec.schedulerName"}
_SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef")


def check_environment(problems: Problems, path: str, container: Document) -> None:
    """`env` and `envFrom` of a container."""
    for index, variable in enumerate(container.get("env") or ()):
        where = f"{path}.env[{index}]"
        name = variable.get("name", "")
        if not name:
            problems.required(f"{where}.name")
        else:
            check_format(problems, f"{where}.name", name, variable_name)
        if variable.get("valueFrom") is not None:
            _check_value_from(problems, f"{where}.valueFrom", variable)
    for index, source in enumerate(container.get("envFrom") or ()):
        _check_env_from(problems, f"{path}.envFrom", index, source)


def variable_name(name: str) -> list[str]:
    """What is wrong with a variable's name; current servers take nearly all of ASCII."""
    if all(" " <= char <= "~" and char != "=" for char in name):
        return []
    return [
        "a valid environment variable name must consist only of printable ASCII characters "
        "other than '='"
    ]


def _check_value_from(problems: Problems, path: str, variable: Document) -> None:
    source = variable["valueFrom"]
    given = [kind for kind in _SOURCES if source.get(kind) is not None]
    for kind in given:
        where = f"{path}.{kind}"
        if kind == "fieldRef":
            check_field_ref(problems, where, source[kind], ENV_FIELDS)
        elif kind == "resourceFieldRef":
            check_resource_ref(problems, where, source[kind])
        else:
            _check_key_ref(problems, where, source[kind])
    if not given:
        listed = ", ".join(f"`{kind}`" for kind in _SOURCES[:-1])
        problems.invalid(path, "", f"must specify one of: {listed} or `{_SOURCES[-1]}`")
    elif variable.get("value"):
        problems.invalid(path, "", "may not be specified when `value` is not empty")
    elif len(given) > 1:
        problems.invalid(path, "", "may not have more than one field specified at a time")


def check_field_ref(problems: Problems, path: str, ref: Document, known: tuple[str, ...]) -> None:
    """A reference to a field of the pod itself."""
    field = ref.get("fieldPath", "")
    if not ref.get("apiVersion"):
        problems.required(f"{path}.apiVersion")
        return
    if not field:
        problems.required(f"{path}.fieldPath")
        return
    base, bracket, rest = field.partition("[")
    if bracket and base in ("metadata.labels", "metadata.annotations") and rest.endswith("']"):
        key = rest[1:-2]
        key = key.lower() if base == "metadata.annotations" else key
        check_format(problems, path, key, qualified_name)
    elif field not in _CONVERTIBLE:
        problems.invalid(
            f"{path}.fieldPath",
            field,
            f"error converting fieldPath: field label not supported: {field}",
        )
    elif field not in known:
        problems.not_supported(f"{path}.fieldPath", field, known)


def check_resource_ref(
    problems: Problems, path: str, ref: Document, *, named: bool = False
) -> None:
    """A reference to a container's request or limit; in a volume it must name the container."""
    resource = ref.get("resource", "")
    if named and not ref.get("containerName"):
        problems.required(f"{path}.containerName")
    elif not resource:
        problems.required(f"{path}.resource")
    elif resource not in RESOURCES and ".hugepages-" not in resource:
        problems.not_supported(f"{path}.resource", resource, RESOURCES)


def _check_key_ref(problems: Problems, path: str, ref: Document) -> None:
    check_format(problems, f"{path}.name", ref.get("name", ""), dns1123_subdomain)
    check_name(problems, f"{path}.key", ref.get("key", ""), config_map_key)


def _check_env_from(problems: Problems, path: str, index: int, source: Document) -> None:
    where = f"{path}[{index}]"
    if source.get("prefix"):
        check_format(problems, f"{where}.prefix", source["prefix"], variable_name)
    given = [kind for kind in ("configMapRef", "secretRef") if source.get(kind) is not None]
    for kind in given:
        check_name(problems, f"{where}.{kind}.name", source[kind].get("name", ""))
    if not given:
        problems.invalid(path, "", "must specify one of: `configMapRef` or `secretRef`")
    elif len(given) > 1:
        problems.invalid(path, "", "may not have more than one field specified at a time")
