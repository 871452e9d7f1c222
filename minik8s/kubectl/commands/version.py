"""`kubectl version`."""

from __future__ import annotations

from minik8s.kubectl.call import Call
from minik8s.kubectl.failures import COLLECTED, Failure
from minik8s.kubectl.gotext import indented_json
from minik8s.kubectl.yamlout import yaml_text
from minik8s.model.metadata import Document

KUSTOMIZE = "v5.8.1"
CLIENT: Document = {
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
"""The kubectl release that this one prints like."""

_SKEW = 1


def run(call: Call) -> None:
    """The versions of this kubectl and of the server."""
    if call.arguments:
        raise Failure(f"extra arguments: [{' '.join(call.arguments)}]")
    output = call.flags.text("output")
    if output not in ("", "json", "yaml"):
        raise Failure("--output must be 'yaml' or 'json'")
    versions: Document = {"clientVersion": CLIENT, "kustomizeVersion": KUSTOMIZE}
    problem: Exception | None = None
    if not call.flags.on("client"):
        try:
            versions["serverVersion"] = call.client.request("GET", "/version").body
        except COLLECTED as error:
            # What is known of the client is told all the same.
            problem = error
    if output == "json":
        call.out(f"{indented_json(versions, 2)}\n")
    elif output == "yaml":
        call.out(f"{yaml_text(versions)}\n")
    else:
        _lines(call, versions)
    if problem is not None:
        raise problem
    if "serverVersion" in versions:
        _compare(call, versions["serverVersion"])


def _lines(call: Call, versions: Document) -> None:
    call.out(f"Client Version: {CLIENT['gitVersion']}\nKustomize Version: {KUSTOMIZE}\n")
    if server := versions.get("serverVersion"):
        call.out(f"Server Version: {server['gitVersion']}\n")


def _compare(call: Call, server: Document) -> None:
    """Warn where client and server are too far apart."""
    minor = int("".join(filter(str.isdigit, server["minor"])) or 0)
    if abs(minor - int(CLIENT["minor"])) > _SKEW:
        call.warning_line(
            f"version difference between client (1.{CLIENT['minor']}) and server "
            f"(1.{minor}) exceeds the supported minor version skew of +/-{_SKEW}"
        )
