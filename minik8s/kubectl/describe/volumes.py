"""Volumes, described: those of pods, and what stands behind a PersistentVolume."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from minik8s.kubectl.describe.base import amount
from minik8s.kubectl.describe.claims import wanted
from minik8s.kubectl.describe.writer import Writer
from minik8s.kubectl.govalue import go_value
from minik8s.model.metadata import Document

_READ_ONLY = ("ReadOnly", "readOnly", False)
_OPTIONAL = ("Optional", "optional", False)
_FS_TYPE = ("FSType", "fsType", "")
_PARTITION = ("Partition", "partition", 0)

SOURCES: Mapping[str, tuple[str, tuple[tuple[str, str, Any], ...]]] = {
    "hostPath": (
        "HostPath (bare host directory volume)",
        (("Path", "path", ""), ("HostPathType", "type", "<none>")),
    ),
    "gcePersistentDisk": (
        "GCEPersistentDisk (a Persistent Disk resource in Google Compute Engine)",
        (("PDName", "pdName", ""), _FS_TYPE, _PARTITION, _READ_ONLY),
    ),
    "awsElasticBlockStore": (
        "AWSElasticBlockStore (a Persistent Disk resource in AWS)",
        (("VolumeID", "volumeID", ""), _FS_TYPE, _PARTITION, _READ_ONLY),
    ),
    "gitRepo": (
        "GitRepo (a volume that is pulled from git when the pod is created)",
        (("Repository", "repository", ""), ("Revision", "revision", "")),
    ),
    "secret": (
        "Secret (a volume populated by a Secret)",
        (("SecretName", "secretName", ""), _OPTIONAL),
    ),
    "configMap": (
        "ConfigMap (a volume populated by a ConfigMap)",
        (("Name", "name", ""), _OPTIONAL),
    ),
    "nfs": (
        "NFS (an NFS mount that lasts the lifetime of a pod)",
        (("Server", "server", ""), ("Path", "path", ""), _READ_ONLY),
    ),
    "persistentVolumeClaim": (
        "PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)",
        (("ClaimName", "claimName", ""), _READ_ONLY),
    ),
    "vsphereVolume": (
        "vSphereVolume (a Persistent Disk resource in vSphere)",
        (
            ("VolumePath", "volumePath", ""),
            _FS_TYPE,
            ("StoragePolicyName", "storagePolicyName", ""),
        ),
    ),
    "local": (
        "LocalVolume (a persistent volume backed by local storage on a node)",
        (("Path", "path", ""),),
    ),
    "image": (
        "Image (a container image or OCI artifact)",
        (("Reference", "reference", ""), ("PullPolicy", "pullPolicy", "")),
    ),
}
"""Field of the volume to the title and the (title, field, default) lines of its source."""

_CSI = "CSI (a Container Storage Interface (CSI) volume source)"
_CSI_FIELDS = (("Driver", "driver", ""), _FS_TYPE, _READ_ONLY)
_CSI_CLAIMED = (*_CSI_FIELDS[:2], ("VolumeHandle", "volumeHandle", ""), _READ_ONLY)
_LONG = 140


def volumes(out: Writer, entries: Iterable[Document], indent: str = "") -> None:
    """The volumes of a pod, or of a template (`indent` is two spaces there)."""
    entries = list(entries)
    out.line(0, f"{indent}Volumes:" + ("" if entries else "\t<none>"))
    for volume in entries:
        out.line(1, f"{indent[:1]}{volume.get('name', '')}:")
        if not source(out, volume):
            out.line(1, "<unknown>")


def source(out: Writer, holder: Document) -> bool:
    """What is behind a volume; False if it is none that kubectl knows."""
    for field, (title, fields) in SOURCES.items():
        if holder.get(field) is not None:
            _fields(out, title, holder[field], fields)
            return True
    for field, write in _SPECIAL.items():
        if holder.get(field) is not None:
            write(out, holder[field])
            return True
    return False


def _fields(
    out: Writer, title: str, values: Document, fields: Iterable[tuple[str, str, Any]]
) -> None:
    out.line(2, "Type:", title)
    for name, field, default in fields:
        value = values.get(field)
        out.line(2, f"{name}:", go_value(default if value is None else value))


def _empty_dir(out: Writer, values: Document) -> None:
    out.line(2, "Type:", "EmptyDir (a temporary directory that shares a pod's lifetime)")
    out.line(2, "Medium:", values.get("medium", ""))
    limit = amount(values.get("sizeLimit", "0"))
    out.line(2, "SizeLimit:", "<unset>" if limit == "0" else limit)


def _projected(out: Writer, values: Document) -> None:
    out.line(2, "Type:", "Projected (a volume that contains injected data from multiple sources)")
    for part in values.get("sources") or ():
        if "secret" in part:
            _named(out, "SecretName", part["secret"])
        elif "downwardAPI" in part:
            out.line(2, "DownwardAPI:", "true")
        elif "configMap" in part:
            _named(out, "ConfigMapName", part["configMap"])
        elif "serviceAccountToken" in part:
            token = part["serviceAccountToken"]
            out.line(2, "TokenExpirationSeconds:", token.get("expirationSeconds", 0))


def _named(out: Writer, title: str, reference: Document) -> None:
    out.line(2, f"{title}:", reference.get("name", ""))
    out.line(2, "Optional:", go_value(bool(reference.get("optional"))))


def _downward(out: Writer, values: Document) -> None:
    out.line(2, "Type:", "DownwardAPI (a volume populated by information about the pod)")
    out.line(2, "Items:")
    for item in values.get("items") or ():
        if "fieldRef" in item:
            out.line(3, f"{item['fieldRef'].get('fieldPath', '')} -> {item.get('path', '')}")
        if "resourceFieldRef" in item:
            out.line(3, f"{item['resourceFieldRef'].get('resource', '')} -> {item.get('path', '')}")


def _ephemeral(out: Writer, values: Document) -> None:
    out.line(
        2,
        "Type:",
        "EphemeralVolume (an inline specification for a volume that gets created and deleted with "
        "the pod)",
    )
    if values.get("volumeClaimTemplate"):
        with out.nested(2):
            wanted(out, values["volumeClaimTemplate"])


def _csi(out: Writer, values: Document) -> None:
    _fields(out, _CSI, values, _CSI_CLAIMED if "volumeHandle" in values else _CSI_FIELDS)
    attributes = values.get("volumeAttributes") or {}
    out.write(2, "VolumeAttributes:\t")
    if not attributes:
        out.line(0, "<none>")
    for place, key in enumerate(sorted(attributes)):
        if place:
            out.write(2, "")
            out.write(2, "\t")
        line = f"{key}={attributes[key]}"
        out.line(2, f"{line[:_LONG]}..." if len(line) > _LONG else line)


_SPECIAL = {
    "emptyDir": _empty_dir,
    "projected": _projected,
    "downwardAPI": _downward,
    "ephemeral": _ephemeral,
    "csi": _csi,
}
