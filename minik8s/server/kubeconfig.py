"""The file that tells kubectl where the server is, whom to trust and who one is."""

from __future__ import annotations

import json
import os
from base64 import b64encode
from pathlib import Path

from minik8s.model.metadata import Document


def kubeconfig(
    url: str, *, ca: str = "", token: str = "", user: str = "kubernetes-admin", namespace: str = ""
) -> Document:
    """A kubeconfig with one cluster, one user and one context."""
    cluster: Document = {"server": url}
    if ca:
        cluster["certificate-authority-data"] = b64encode(ca.encode()).decode()
    context = {"cluster": "minik8s", "user": user}
    if namespace:
        context["namespace"] = namespace
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "minik8s", "cluster": cluster}],
        "users": [{"name": user, "user": {"token": token} if token else {}}],
        "contexts": [{"name": "minik8s", "context": context}],
        "current-context": "minik8s",
    }


def write_kubeconfig(path: Path, document: Document) -> None:
    """Write the file, readable by its owner alone; JSON is YAML. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(json.dumps(document, indent=2) + "\n")
    fresh.replace(path)  # nobody ever reads half of it
