"""Warnings about cluster-wide policies: what the API takes, but nobody can rely on.

Of two policies with one tier and priority the API leaves open which is asked first (here it is
the one whose name comes first), and `domainNames` mean addresses that only a resolver knows.
"""

from __future__ import annotations

from collections.abc import Iterator

from minik8s.model.metadata import Document, name_of
from minik8s.model.registry import (
    ADMIN_NETWORK_POLICY,
    CLUSTER_NETWORK_POLICY,
    Kind,
)
from minik8s.store import Store

_WITH_PRIORITY = (ADMIN_NETWORK_POLICY, CLUSTER_NETWORK_POLICY)


def policy_warnings(store: Store, kind: Kind, document: Document) -> Iterator[str]:
    """What to warn of when a policy is stored; nothing for other kinds."""
    if kind in _WITH_PRIORITY:
        yield from _ties(store, kind, document)
        yield from _domain_names(document)


def _ties(store: Store, kind: Kind, document: Document) -> Iterator[str]:
    rank = _rank(document)
    for other in store.list(kind):
        if name_of(other) != name_of(document) and _rank(other) == rank:
            where = f" in tier {rank[0]}" if rank[0] else ""
            yield (
                f"spec.priority: {name_of(other)} has priority {rank[1]}{where}, too: "
                "where both match, either may decide"
            )


def _rank(document: Document) -> tuple[object, object]:
    spec = document.get("spec") or {}
    return spec.get("tier"), spec.get("priority")


def _domain_names(document: Document) -> Iterator[str]:
    for index, rule in enumerate((document.get("spec") or {}).get("egress") or ()):
        for place, peer in enumerate(rule.get("to") or ()):
            if peer.get("domainNames"):
                path = f"spec.egress[{index}].to[{place}].domainNames"
                yield f"{path}: not supported here: the peer matches nothing"
