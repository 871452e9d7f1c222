"""schemathesis on our own /openapi/v3: whatever fits the schema or not, nothing fails inside."""

from __future__ import annotations

import json
import subprocess
import sys
from base64 import b64decode
from pathlib import Path

import pytest
from clients_serving import Served

GROUPS = ("apis/networking.k8s.io/v1", "apis/apps/v1", "api/v1")
STREAMS = ("exec", "attach", "portforward", "log", "proxy")


def bounded(document: dict[str, object]) -> dict[str, object]:
    """A schema without streams and watches, that would go on."""
    paths = document["paths"]
    assert isinstance(paths, dict)
    kept = {}
    for path, item in paths.items():
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


@pytest.mark.parametrize("group", GROUPS)
def test_nothing_fails_inside(group: str, served: Served, tmp_path: Path) -> None:
    fuzz(group, 2, served, tmp_path)


@pytest.mark.nightly
@pytest.mark.parametrize("group", GROUPS)
def test_nothing_fails_inside_for_long(group: str, served: Served, tmp_path: Path) -> None:
    fuzz(group, 40, served, tmp_path)


def fuzz(group: str, examples: int, served: Served, tmp_path: Path) -> None:
    """Send so many requests to each operation of a group."""
    config = json.loads(served.kubeconfig.read_text())
    cluster = config["clusters"][0]["cluster"]
    (tmp_path / "ca.crt").write_bytes(b64decode(cluster["certificate-authority-data"]))
    document = json.loads(served.kubectl("get", "--raw", f"/openapi/v3/{group}").stdout)
    (tmp_path / "schema.json").write_text(json.dumps(bounded(document)))
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", str(tmp_path / "schema.json")),
            *("--url", cluster["server"], "--tls-verify", str(tmp_path / "ca.crt")),
            *("--header", f"Authorization: Bearer {config['users'][0]['user']['token']}"),
            *("--phases", "fuzzing", "--mode", "all", "--checks", "not_a_server_error"),
            *("--max-examples", str(examples), "--seed", "1", "--request-timeout", "20"),
            *("--generation-database", "none", "--suppress-health-check", "all", "--no-color"),
        ],
        cwd=tmp_path,
        env=served.env,
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    assert "0 generated" not in ended.stdout
    assert ended.returncode == 0, ended.stdout[-4000:] + ended.stderr[-2000:]
    assert served.alive
    assert "Traceback" not in (served.folder / "serve.err").read_text()
