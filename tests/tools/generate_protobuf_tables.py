"""Make minik8s/data/protobuf.json: the protobuf field numbers of the API's types.

    go mod download k8s.io/{api,apimachinery,apiextensions-apiserver,kube-aggregator}@latest
    python tests/tools/generate_protobuf_tables.py FOLDER_WITH_MODULES      # GOMODCACHE/k8s.io

The numbers are read from the struct tags of types.go and never change (they are the wire format
of etcd); only those of the types in minik8s/data/schemas.json are kept. The types of the fields
stand there as well, so a row here is only a number and a name:

    {"core.v1.Pod": {"1": "metadata!", "2": "spec", ...}, ...}

A `*` after the name marks a pointer (a zero value was set on purpose), a `!` a field that JSON
shows even when it is empty. A row that is an object is a message of the wire whose fields JSON
shows in the type around it (Go's embedded structs).
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

DATA = Path(__file__).parents[2] / "minik8s" / "data"
SOURCES = (
    ("api@*/*/*/types*.go", "{0}.{1}"),
    ("apimachinery@*/pkg/apis/meta/v1/types.go", "meta.v1"),
    ("apiextensions-apiserver@*/pkg/apis/apiextensions/v1/types*.go", "apiextensions.v1"),
    ("kube-aggregator@*/pkg/apis/apiregistration/v1/types.go", "apiregistration.v1"),
)
NOTICE = (
    "Protobuf field numbers of the Kubernetes API, from the struct tags of k8s.io/api, "
    "k8s.io/apimachinery and k8s.io/apiextensions-apiserver {version} (Copyright The Kubernetes "
    "Authors, Apache License 2.0); made by tests/tools/generate_protobuf_tables.py."
)
STRUCT = re.compile(r"^type (\w+) struct \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
FIELD = re.compile(r"^\s+(?:(\w+)\s+)?([\w.*\[\]]+)\s+`([^`]*)`", re.MULTILINE)
TAG = re.compile(r'(\w+):"([^"]*)"')

PACKAGES = {"v1": "core.v1", "corev1": "core.v1", "metav1": "meta.v1"}

Row = str | dict[str, Any]


class Structs:
    """The structs of all packages, by package and name."""

    def __init__(self, folder: Path) -> None:
        self.bodies: dict[str, str] = {}
        for pattern, package in SOURCES:
            for path in sorted(folder.glob(pattern)):
                name = package.format(*path.parts[-3:-1])
                for struct, body in STRUCT.findall(path.read_text()):
                    self.bodies[f"{name}.{struct}"] = body

    def rows(self, name: str) -> dict[str, Row]:
        """The fields of a struct, by number."""
        package = name.rpartition(".")[0]
        rows: dict[str, Row] = {}
        for _field, go_type, tags in FIELD.findall(self.bodies[name]):
            tag = dict(TAG.findall(tags))
            number = tag.get("protobuf", "").split(",")[1:2]
            json_name, *options = tag.get("json", "").split(",")
            if not number or json_name == "-":
                continue
            if "inline" in options or not json_name:
                rows[number[0]] = self.rows(self.resolve(package, go_type.lstrip("*")))
            else:
                embedded = self.resolve(package, go_type) in self.bodies
                rows[number[0]] = json_name + mark(go_type, options, embedded)
        return rows

    def resolve(self, package: str, go_type: str) -> str:
        """The full name of a type that a package mentions."""
        prefix, _, name = go_type.rpartition(".")
        if not prefix:
            return f"{package}.{name}"
        return f"{PACKAGES.get(prefix, prefix)}.{name}"


def mark(go_type: str, options: list[str], embedded: bool) -> str:
    """What is special about a field whose value is empty; `omitempty` leaves structs alone."""
    if go_type.startswith("*"):
        return "*"
    if embedded:
        return "" if "omitzero" in options else "!"
    return "" if "omitempty" in options or "omitzero" in options else "!"


def check(types: dict[str, Any], table: dict[str, Any]) -> None:
    """Fail if a field of a schema has no number."""
    for name, rows in table.items():
        found = set(names(rows))
        missing = set(types[name]["fields"]) - found - {"apiVersion", "kind"}
        if missing:
            print(f"{name}: no number for {sorted(missing)}")


def names(rows: dict[str, Row]) -> list[str]:
    """The JSON names in a table."""
    found = []
    for row in rows.values():
        found += names(row) if isinstance(row, dict) else [row.rstrip("*!")]
    return found


def main(folder: str) -> None:
    structs = Structs(Path(folder))
    types = json.loads((DATA / "schemas.json").read_text())["types"]
    table = {name: structs.rows(name) for name in sorted(types) if name in structs.bodies}
    absent = sorted(set(types) - set(table))
    if absent:
        print(f"no struct for {absent}")
    check(types, table)
    version = next(Path(folder).glob("api@*")).name.partition("@")[2]
    document = {"about": NOTICE.format(version=version), "types": table}
    text = json.dumps(document, separators=(",", ":"), sort_keys=True)
    (DATA / "protobuf.json").write_text(text + "\n")
    print(f"{len(table)} types, {len(text)} bytes")


if __name__ == "__main__":
    main(sys.argv[1])
