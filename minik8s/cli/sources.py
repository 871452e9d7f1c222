"""What a question is about: manifests in files, or the objects of a running server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from minik8s.analysis.inputs import Source
    from minik8s.client import Client
    from minik8s.model.metadata import Document

KINDS = (
    "namespaces",
    "nodes",
    "pods",
    "services",
    "endpointslices.discovery.k8s.io",
    "deployments.apps",
    "statefulsets.apps",
    "daemonsets.apps",
    "replicasets.apps",
    "replicationcontrollers",
    "jobs.batch",
    "networkpolicies.networking.k8s.io",
    "clusternetworkpolicies.policy.networking.k8s.io",
    "adminnetworkpolicies.policy.networking.k8s.io",
    "baselineadminnetworkpolicies.policy.networking.k8s.io",
)
"""The resources that say who may reach whom."""


def sources(paths: Sequence[str], kubeconfig: str | None, max_bytes: int) -> list[Source]:
    """The objects of files, or those of a server; raises InputError."""
    from minik8s.analysis.inputs import InputError
    from minik8s.analysis.report import load

    if kubeconfig and paths:
        raise InputError("FILE and --kubeconfig: say one of the two")
    if kubeconfig:
        return _served(Path(kubeconfig))
    if not paths:
        raise InputError("FILE or --kubeconfig: say one of the two")
    return load(paths, max_bytes)


def documents(paths: Sequence[str], kubeconfig: str | None, max_bytes: int) -> list[Document]:
    """The objects alone."""
    return [source.document for source in sources(paths, kubeconfig, max_bytes)]


def _served(kubeconfig: Path) -> list[Source]:
    from minik8s.analysis.inputs import InputError
    from minik8s.client import Client
    from minik8s.client.http import HttpTransport, KubeconfigError, Unreachable
    from minik8s.errors import ApiError

    try:
        transport = HttpTransport.from_kubeconfig(kubeconfig)
    except KubeconfigError as error:
        raise InputError(str(error)) from None
    try:
        return list(_listed(Client(transport)))
    except Unreachable as error:
        raise InputError(str(error)) from None
    except ApiError as error:
        raise InputError(f"{transport.server}: {' '.join(error.message.split())}") from None
    finally:
        transport.close()


def _listed(client: Client) -> Iterator[Source]:
    """Every object of interest; a list leaves out the kind and version of its items."""
    from minik8s.analysis.inputs import Layout, Source
    from minik8s.model.metadata import name_of, namespace_of

    for typed in KINDS:
        kind = client.find(typed)
        if kind is None:
            continue
        for item in client.list(kind, "")["items"]:
            document = {**item, "apiVersion": kind.api_version, "kind": kind.kind}
            place = kind.path(namespace_of(document), name_of(document))
            yield Source(document, place, Layout(1))
