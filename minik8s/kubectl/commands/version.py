"""`kubectl version`."""

from __future__ import annotations

import re
from typing import Any

from minik8s.kubectl.call import Call
from minik8s.kubectl.failures import COLLECTED, Failure
from minik8s.kubectl.gotext import indented_json
from minik8s.kubectl.yamlout import yaml_text
from minik8s.model.metadata import Document

CLIENT_VERSION: Document = {
    "major": "1",
    "minor": "37",
    "gitVersion": "v1.37.1",
    "gitCommit": "f78e722310e50bcaca9276be22276d9e91d91308",
    "gitTreeState": "clean",
    "buildDate": "2026-09-23T17:10:04Z",
    "goVersion": "go1.26.8",
    "compiler": "gc",
    "platform": "linux/amd64",
}
"""The release whose behaviour this kubectl has."""

KUSTOMIZE = "v5.8.1"
_NUMBERS = re.compile(r"v?(\d+)\.(\d+)")


def run(call: Call) -> None:
    """Print the versions of kubectl and of the server."""
    flags = call.flags
    if call.arguments:
        raise Failure(f"extra arguments: [{' '.join(call.arguments)}]")
    output = flags.text("output")
    if output not in ("", "yaml", "json"):
        raise Failure("--output must be 'yaml' or 'json'")
    found: Document = {"clientVersion": CLIENT_VERSION, "kustomizeVersion": KUSTOMIZE}
    problem: Exception | None = None
    if not flags.on("client"):
        try:
            server = call.client.request("GET", "/version").body
            assert isinstance(server, dict)
            order = [key for key in CLIENT_VERSION if key in server]
            found["serverVersion"] = {key: server[key] for key in order}
        except COLLECTED as error:
            problem = error
    if output == "json":
        call.out(indented_json(found, 2) + "\n")
    elif output == "yaml":
        call.out(yaml_text(found) + "\n")
    else:
        _print(call, found)
    if problem is not None:
        raise problem
    _warn_of_skew(call, found)


def _print(call: Call, found: Document) -> None:
    call.out(f"Client Version: {found['clientVersion']['gitVersion']}\n")
    call.out(f"Kustomize Version: {found['kustomizeVersion']}\n")
    if "serverVersion" in found:
        call.out(f"Server Version: {found['serverVersion']['gitVersion']}\n")


def _warn_of_skew(call: Call, found: Document) -> None:
    """Tell when the server is too old or too new for kubectl."""
    server = found.get("serverVersion")
    if not server:
        return
    own, other = _numbers(found["clientVersion"]), _numbers(server)
    if own[0] != other[0] or abs(own[1] - other[1]) > 1:
        call.warning_line(
            f"version difference between client ({own[0]}.{own[1]}) and server "
            f"({other[0]}.{other[1]}) exceeds the supported minor version skew of +/-1"
        )


def _numbers(version: Any) -> tuple[int, int]:
    match = _NUMBERS.match(version.get("gitVersion", ""))
    return (int(match[1]), int(match[2])) if match else (0, 0)
