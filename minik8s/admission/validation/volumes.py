"""Validation of a pod's volumes and of their mounts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from minik8s.admission.problems import Problems
from minik8s.admission.validation.common import check_label_name
from minik8s.admission.validation.environment import (
    VOLUME_FIELDS,
    check_field_ref,
    check_resource_ref,
)
from minik8s.model.metadata import Document
from minik8s.model.workloads import quantity

HOST_PATH_TYPES = (
    "",
    "BlockDevice",
    "CharDevice",
    "Directory",
    "DirectoryOrCreate",
    "File",
    "FileOrCreate",
    "Socket",
)
PROPAGATIONS = ("Bidirectional", "HostToContainer", "None")

_MODE = "must be a number between 0 and 0777 (octal), both inclusive"
_TEN_MINUTES, _LONGEST = 600, 2**32

Check = Callable[[Problems, str, Document], None]


def check_volumes(problems: Problems, path: str, volumes: list[Document]) -> dict[str, Document]:
    """The volumes of a pod; returns those without fault, by name, for their mounts."""
    sound: dict[str, Document] = {}
    for index, volume in enumerate(volumes):
        found = Problems()
        where, name = f"{path}[{index}]", volume.get("name", "")
        _check_source(found, where, volume)
        check_label_name(found, f"{where}.name", name)
        if name in sound:
            found.duplicate(f"{where}.name", name)
        if found:
            problems.causes += found.causes
        else:
            sound[name] = volume
    return sound


def _check_source(problems: Problems, path: str, volume: Document) -> None:
    given = [kind for kind in volume if kind != "name"]
    given.sort(key=lambda kind: (_ORDER.get(kind, len(_ORDER)), kind))
    if not given:
        problems.required(path, "must specify a volume type")
        return
    check = _CHECKS.get(given[0])
    if check is not None:
        check(problems, f"{path}.{given[0]}", volume[given[0]])
    for kind in given[1:]:
        problems.forbidden(f"{path}.{kind}", "may not specify more than 1 volume type")


def _check_empty_dir(problems: Problems, path: str, source: Document) -> None:
    if quantity(source.get("sizeLimit")) < 0:
        problems.forbidden(f"{path}.sizeLimit", "SizeLimit field must be a valid resource quantity")


def _check_host_path(problems: Problems, path: str, source: Document) -> None:
    if not source.get("path"):
        problems.required(f"{path}.path")
        return
    _check_no_steps_up(problems, f"{path}.path", source["path"])
    kind = source.get("type") or ""
    if kind not in HOST_PATH_TYPES:
        problems.not_supported(f"{path}.type", kind, HOST_PATH_TYPES)


def _check_secret(problems: Problems, path: str, source: Document) -> None:
    if not source.get("secretName"):
        problems.required(f"{path}.secretName")
    _check_files(problems, path, source)


def _check_config_map(problems: Problems, path: str, source: Document) -> None:
    if not source.get("name"):
        problems.required(f"{path}.name")
    _check_files(problems, path, source)


def _check_files(problems: Problems, path: str, source: Document) -> None:
    _check_mode(problems, f"{path}.defaultMode", source.get("defaultMode"))
    for index, item in enumerate(source.get("items") or ()):
        where = f"{path}.items[{index}]"
        if not item.get("key"):
            problems.required(f"{where}.key")
        _check_item_path(problems, f"{where}.path", item.get("path", ""))
        _check_mode(problems, f"{where}.mode", item.get("mode"))


def _check_mode(problems: Problems, path: str, mode: int | None) -> None:
    if mode is not None and not 0 <= mode <= 0o777:
        problems.invalid(path, mode, _MODE)


def _check_item_path(problems: Problems, path: str, value: str) -> None:
    if not value:
        problems.required(path)
        return
    check_descending(problems, path, value)
    if value.startswith("..") and not value.startswith("../"):
        problems.invalid(path, value, "must not start with '..'")


def check_descending(problems: Problems, path: str, value: str) -> None:
    """A path that leads down from where it starts."""
    if value.startswith("/"):
        problems.invalid(path, value, "must be a relative path")
    _check_no_steps_up(problems, path, value)


def _check_no_steps_up(problems: Problems, path: str, value: str) -> None:
    if ".." in value.split("/"):
        problems.invalid(path, value, "must not contain '..'")


def _check_claim(problems: Problems, path: str, source: Document) -> None:
    if not source.get("claimName"):
        problems.required(f"{path}.claimName")


def _check_nfs(problems: Problems, path: str, source: Document) -> None:
    if not source.get("server"):
        problems.required(f"{path}.server")
    if not source.get("path"):
        problems.required(f"{path}.path")
    elif not source["path"].startswith("/"):
        problems.invalid(f"{path}.path", source["path"], "must be an absolute path")


def _check_downward_api(problems: Problems, path: str, source: Document) -> None:
    _check_mode(problems, f"{path}.defaultMode", source.get("defaultMode"))
    for index, item in enumerate(source.get("items") or ()):
        where = f"{path}[{index}]"  # the real path leaves `items` out, too
        _check_item_path(problems, f"{where}.path", item.get("path", ""))
        if item.get("fieldRef") is not None:
            check_field_ref(problems, f"{where}.fieldRef", item["fieldRef"], VOLUME_FIELDS)
            if item.get("resourceFieldRef") is not None:
                problems.invalid(
                    where,
                    "resource",
                    "fieldRef and resourceFieldRef can not be specified simultaneously",
                )
        elif item.get("resourceFieldRef") is not None:
            check_resource_ref(
                problems, f"{where}.resourceFieldRef", item["resourceFieldRef"], named=True
            )
        else:
            problems.required(where, "one of fieldRef and resourceFieldRef is required")
        _check_mode(problems, f"{where}.mode", item.get("mode"))


def _check_projected(problems: Problems, path: str, source: Document) -> None:
    _check_mode(problems, f"{path}.defaultMode", source.get("defaultMode"))
    for index, projection in enumerate(source.get("sources") or ()):
        for position, kind in enumerate(sorted(projection)):
            where = f"{path}.sources[{index}].{kind}"
            if position:
                problems.forbidden(where, "may not specify more than 1 volume type")
            elif kind == "serviceAccountToken":
                _check_token(problems, where, projection[kind])
            elif kind == "downwardAPI":
                _check_downward_api(problems, where, projection[kind])
            elif kind in ("configMap", "secret"):
                _check_config_map(problems, where, projection[kind])


def _check_token(problems: Problems, path: str, token: Document) -> None:
    seconds = token.get("expirationSeconds", 3600)
    if seconds < _TEN_MINUTES:
        problems.invalid(
            f"{path}.expirationSeconds",
            seconds,
            "may not specify a duration less than 10 minutes",
        )
    elif seconds > _LONGEST:
        problems.invalid(
            f"{path}.expirationSeconds",
            seconds,
            "may not specify a duration larger than 2^32 seconds",
        )
    if not token.get("path"):
        problems.required(f"{path}.path")
    else:
        check_descending(problems, f"{path}.path", token["path"])


_CHECKS: Mapping[str, Check] = {
    "emptyDir": _check_empty_dir,
    "hostPath": _check_host_path,
    "secret": _check_secret,
    "nfs": _check_nfs,
    "persistentVolumeClaim": _check_claim,
    "downwardAPI": _check_downward_api,
    "configMap": _check_config_map,
    "projected": _check_projected,
}
_ORDER = {kind: index for index, kind in enumerate(_CHECKS)}
"""The real checks come in this order; the first source is the one that counts."""


def check_mounts(
    problems: Problems, path: str, container: Document, volumes: Collection[str]
) -> None:
    """`volumeMounts` of a container: each of a volume that the pod has, each at its own place."""
    devices = container.get("volumeDevices") or ()
    device_names = {device.get("name") for device in devices}
    mounted: set[str] = set()
    for index, mount in enumerate(container.get("volumeMounts") or ()):
        where = f"{path}.volumeMounts[{index}]"
        name, place = mount.get("name", ""), mount.get("mountPath", "")
        if not name:
            problems.required(f"{where}.name")
        if name not in volumes:
            problems.not_found(f"{where}.name", name)
        if not place:
            problems.required(f"{where}.mountPath")
        if place in mounted:
            problems.invalid(f"{where}.mountPath", place, "must be unique")
        mounted.add(place)
        if name in device_names:
            problems.invalid(f"{where}.name", name, "must not already exist in volumeDevices")
        if len(mount) > 2:
            _check_mount_options(problems, path, where, mount, container)


def _check_mount_options(
    problems: Problems, path: str, where: str, mount: Document, container: Document
) -> None:
    """Sub-paths and propagation; the real paths of some of them leave the index out."""
    below = f"{path}.volumeMounts"
    if mount.get("subPath"):
        check_descending(problems, f"{below}.subPath", mount["subPath"])
    if mount.get("subPathExpr"):
        if mount.get("subPath"):
            problems.invalid(
                f"{where}.subPathExpr",
                mount["subPathExpr"],
                "subPathExpr and subPath are mutually exclusive",
            )
        check_descending(problems, f"{below}.subPathExpr", mount["subPathExpr"])
    propagation = mount.get("mountPropagation")
    if propagation is None:
        return
    if propagation not in PROPAGATIONS:
        problems.not_supported(f"{below}.mountPropagation", propagation, PROPAGATIONS)
    privileged = (container.get("securityContext") or {}).get("privileged")
    if propagation == "Bidirectional" and not privileged:
        problems.forbidden(
            f"{below}.mountPropagation",
            "Bidirectional mount propagation is available only to privileged containers",
        )
