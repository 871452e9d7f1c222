"""schemathesis on our own /openapi/v3: whatever fits the schema or not, nothing fails inside."""

from __future__ import annotations

import json
import subprocess
import sys
from base64 import b64decode
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from clients_serving import Served

GROUPS = (
    "api/v1",
    "apis/apiextensions.k8s.io/v1",
    "apis/apiregistration.k8s.io/v1",
    "apis/apps/v1",
    "apis/authentication.k8s.io/v1",
    "apis/authorization.k8s.io/v1",
    "apis/autoscaling/v1",
    "apis/autoscaling/v2",
    "apis/batch/v1",
    "apis/certificates.k8s.io/v1",
    "apis/coordination.k8s.io/v1",
    "apis/discovery.k8s.io/v1",
    "apis/events.k8s.io/v1",
    "apis/example.org/v1",
    "apis/networking.k8s.io/v1",
    "apis/node.k8s.io/v1",
    "apis/policy.networking.k8s.io/v1alpha1",
    "apis/policy.networking.k8s.io/v1alpha2",
    "apis/policy/v1",
    "apis/rbac.authorization.k8s.io/v1",
    "apis/scheduling.k8s.io/v1",
    "apis/storage.k8s.io/v1",
)
"""What /openapi/v3 lists, with the custom kind that the tests add."""

ABOUT = (
    "/",
    "/api",
    "/apis",
    "/healthz",
    "/livez",
    "/openapi/v2",
    "/openapi/v3",
    "/readyz",
    "/version",
)
"""Paths that tell of the server itself; no group lists them."""

WIDGETS = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "widgets.example.org"},
    "spec": {
        "group": "example.org",
        "scope": "Namespaced",
        "names": {"plural": "widgets", "singular": "widget", "kind": "Widget"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {
                                "type": "object",
                                "properties": {
                                    "size": {"type": "integer", "minimum": 0},
                                    "colour": {"type": "string", "pattern": "^[a-z]+$"},
                                    "parts": {"type": "array", "items": {"type": "string"}},
                                },
                            },
                            "status": {"type": "object", "properties": {}},
                        },
                    }
                },
            }
        ],
    },
}

STREAMS = ("exec", "attach", "portforward", "log", "proxy")


def bounded(document: dict[str, Any]) -> dict[str, Any]:
    """A schema without streams and watches, that would go on."""
    kept = {}
    for path, item in document["paths"].items():
        if path.rpartition("/")[2] in STREAMS or "/watch/" in path or "/proxy/" in path:
            continue
        for operation in item.values():
            if isinstance(operation, dict) and "parameters" in operation:
                operation["parameters"] = [
                    each for each in operation["parameters"] if each.get("name") != "watch"
                ]
        item["parameters"] = [
            each for each in item.get("parameters", ()) if each.get("name") != "watch"
        ]
        kept[path] = item
    return {**document, "paths": kept}


@pytest.fixture(scope="module")
def documents(served: Served) -> dict[str, dict[str, Any]]:
    """The schema of each group that the server lists, custom kinds among them."""
    made = served.kubectl("apply", "-f", "-", stdin=json.dumps(WIDGETS))
    assert made.returncode == 0, made.stderr
    listed = json.loads(served.kubectl("get", "--raw", "/openapi/v3").stdout)["paths"]
    assert sorted(listed) == sorted(GROUPS)
    return {
        group: json.loads(served.kubectl("get", "--raw", f"/openapi/v3/{group}").stdout)
        for group in listed
    }


def merged(documents: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """One schema of all groups, and of the paths that tell of the server."""
    first, *others = documents
    about = {"get": {"responses": {"200": {"description": "OK"}}}}
    paths = dict.fromkeys(ABOUT, about) | first["paths"]
    schemas = dict(first["components"]["schemas"])
    for each in others:
        paths |= each["paths"]
        schemas |= each["components"]["schemas"]
    return {**first, "paths": paths, "components": {**first["components"], "schemas": schemas}}


def test_nothing_fails_inside(
    documents: dict[str, dict[str, Any]], served: Served, tmp_path: Path
) -> None:
    fuzz(merged(documents.values()), 1, 1, served, tmp_path)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("group", GROUPS)
def test_nothing_fails_inside_for_long(
    group: str, seed: int, documents: dict[str, dict[str, Any]], served: Served, tmp_path: Path
) -> None:
    fuzz(documents[group], 40, seed, served, tmp_path)


def fuzz(
    document: dict[str, Any], examples: int, seed: int, served: Served, tmp_path: Path
) -> None:
    """Send so many requests to each operation of a schema."""
    config = json.loads(served.kubeconfig.read_text())
    cluster = config["clusters"][0]["cluster"]
    (tmp_path / "ca.crt").write_bytes(b64decode(cluster["certificate-authority-data"]))
    (tmp_path / "schema.json").write_text(json.dumps(bounded(document)))
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", str(tmp_path / "schema.json")),
            *("--url", cluster["server"], "--tls-verify", str(tmp_path / "ca.crt")),
            *("--header", f"Authorization: Bearer {config['users'][0]['user']['token']}"),
            *("--phases", "fuzzing", "--mode", "all", "--checks", "not_a_server_error"),
            *("--max-examples", str(examples), "--seed", str(seed), "--request-timeout", "20"),
            *("--generation-database", "none", "--suppress-health-check", "all", "--no-color"),
        ],
        cwd=tmp_path,
        env=served.env,
        capture_output=True,
        text=True,
        timeout=3600,
        check=False,
    )
    assert "0 generated" not in ended.stdout
    assert ended.returncode == 0, ended.stdout[-4000:] + ended.stderr[-2000:]
    assert served.alive
    assert "Traceback" not in (served.folder / "serve.err").read_text()
