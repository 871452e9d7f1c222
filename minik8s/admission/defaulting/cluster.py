"""Defaults of namespaces, nodes, volumes, secrets and roles."""

from __future__ import annotations

from base64 import b64encode

from minik8s.admission.defaulting.fill import each, ensured, fill, fill_absent, inside
from minik8s.admission.defaulting.pods import default_claim_template
from minik8s.model.metadata import NAME_LABEL, Document, is_terminating, name_of

FINALIZER = "kubernetes"
RBAC_GROUP = "rbac.authorization.k8s.io"

_VOLUME = {"volumeMode": "Filesystem"}


def default_namespace(document: Document) -> Document:
    """A Namespace with its name as a label, its finalizer and its phase."""
    name = name_of(document)
    if name:
        metadata = document["metadata"]
        labels = metadata.get("labels") or {}
        if labels.get(NAME_LABEL) != name:
            document = {
                **document,
                "metadata": {**metadata, "labels": {**labels, NAME_LABEL: name}},
            }
    if "spec" not in document and not is_terminating(document):
        document = {**document, "spec": {"finalizers": [FINALIZER]}}
    return ensured(document, "status", lambda status: fill(status, {"phase": "Active"}))


def default_node(document: Document) -> Document:
    """A Node: all of its capacity is allocatable; `podCIDR` is the first of `podCIDRs`."""

    def spec_of(spec: Document) -> Document:
        if spec.get("podCIDR") and not spec.get("podCIDRs"):
            return {**spec, "podCIDRs": [spec["podCIDR"]]}
        if spec.get("podCIDRs") and not spec.get("podCIDR"):
            return {**spec, "podCIDR": spec["podCIDRs"][0]}
        return spec

    def status_of(status: Document) -> Document:
        capacity = status.get("capacity")
        return fill_absent(status, {"allocatable": capacity}) if capacity else status

    return inside(inside(document, "spec", spec_of), "status", status_of)


def default_secret(document: Document) -> Document:
    """A Secret with its type; `stringData` is written into `data`, in base64."""
    document = fill(document, {"type": "Opaque"})
    texts = document.get("stringData")
    if texts is None:
        return document
    data = dict(document.get("data") or {})
    data.update({key: b64encode(text.encode()).decode() for key, text in texts.items()})
    rest = {name: value for name, value in document.items() if name != "stringData"}
    return {**rest, "data": data} if data else rest


def default_claim(document: Document) -> Document:
    """A PersistentVolumeClaim with its mode and phase."""
    document = ensured(document, "status", lambda status: fill(status, {"phase": "Pending"}))
    return default_claim_template(document)


def default_volume(document: Document) -> Document:
    """A PersistentVolume with its mode, phase and what becomes of it when it is released."""

    def spec_of(spec: Document) -> Document:
        return fill(fill_absent(spec, _VOLUME), {"persistentVolumeReclaimPolicy": "Retain"})

    document = ensured(document, "status", lambda status: fill(status, {"phase": "Pending"}))
    return ensured(document, "spec", spec_of)


def default_limit_range(document: Document) -> Document:
    """A LimitRange: limits default to the maximum, requests to the limit or the minimum."""
    return inside(document, "spec", lambda spec: each(spec, "limits", _limit))


def _limit(item: Document) -> Document:
    if item.get("type") != "Container":
        return item
    limits = {**(item.get("max") or {}), **(item.get("default") or {})}
    requests = {**(item.get("min") or {}), **limits, **(item.get("defaultRequest") or {})}
    return {**item, "default": limits, "defaultRequest": requests}


def default_binding(document: Document) -> Document:
    """A RoleBinding or ClusterRoleBinding with the API groups of its role and subjects."""
    document = inside(document, "roleRef", lambda ref: fill(ref, {"apiGroup": RBAC_GROUP}))
    return each(document, "subjects", _subject)


def _subject(subject: Document) -> Document:
    if subject.get("kind") in ("User", "Group"):
        return fill(subject, {"apiGroup": RBAC_GROUP})
    return subject
