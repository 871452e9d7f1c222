"""Make minik8s/data/enums.json: the values that fields may have, as the API publishes them.

    go mod download k8s.io/{api,apimachinery,apiextensions-apiserver,kube-aggregator}@latest
    python tests/tools/generate_enums.py FOLDER_WITH_MODULES      # GOMODCACHE/k8s.io

The published definitions of a running server name these values (`enum`, and "Possible enum
values" in descriptions); the definitions that minik8s/data/schemas-openapi.json.gz is made from
do not. They come from the types marked `+enum` and their constants (kube-openapi's enum.go):

    {"values": {"core.v1.Protocol": [["TCP", "is the TCP protocol."], ...]},
     "fields": {"core.v1.ServicePort.protocol": "core.v1.Protocol", ...}}
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
    "Values of enumerated fields of the Kubernetes API, from k8s.io/api, k8s.io/apimachinery and "
    "k8s.io/apiextensions-apiserver {version} (Copyright The Kubernetes Authors, Apache License "
    "2.0); made by tests/tools/generate_enums.py."
)
ENUM = re.compile(r"((?:^[ \t]*//.*\n)+)^type (\w+) string$", re.MULTILINE)
CONSTANT = re.compile(
    r"((?:^[ \t]*//.*\n)*)"
    r"^\s*(?:const )?(\w+)\s+(?:(\w+)\s*= |= (\w+)\()(?:\"(.*?)\"|v1\.(\w+)\))",
    re.MULTILINE,
)
STRUCT = re.compile(r"^type (\w+) struct \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
FIELD = re.compile(r"^\s+(?:(\w+)\s+)?([\w.*\[\]]+)\s+`([^`]*)`", re.MULTILINE)
JSON_NAME = re.compile(r'json:"([^",]*)([^"]*)"')
PACKAGES = {"v1": "core.v1", "corev1": "core.v1", "metav1": "meta.v1"}


class Source:
    """The enumerated types and the structs of all packages."""

    def __init__(self, folder: Path) -> None:
        self.values: dict[str, dict[str, str]] = {}
        self.structs: dict[str, str] = {}
        texts = []
        for pattern, package in SOURCES:
            for path in sorted(folder.glob(pattern)):
                texts.append((package.format(*path.parts[-3:-1]), path.read_text()))  # noqa: PERF401
        for package, text in texts:
            for comment, name in ENUM.findall(text):
                if re.search(r"^\s*// ?\+enum\s*$", comment, re.MULTILINE):
                    self.values[f"{package}.{name}"] = {}
            for name, body in STRUCT.findall(text):
                self.structs[f"{package}.{name}"] = body
        core = "".join(text for package, text in texts if package == "core.v1")
        literals = {row[1]: row[4] for row in CONSTANT.findall(core)}
        for package, text in texts:
            for comment, name, kind, cast, literal, other in CONSTANT.findall(text):
                known, value = self.values.get(f"{package}.{kind or cast}"), literal
                if other:
                    value = literals[other]
                if known is not None and len(known.get(value, "")) <= len(comment):
                    known[value] = explained(comment, name)

    def fields(self, struct: str) -> dict[str, str]:
        """The enumerated types of a struct's fields, embedded structs included."""
        package, found = struct.rpartition(".")[0], {}
        for _name, go_type, tags in FIELD.findall(self.structs.get(struct, "")):
            match = JSON_NAME.search(tags)
            target = resolved(package, go_type.lstrip("*[]"))
            if match is None or not match.group(1):
                found.update(self.fields(target))
            elif target in self.values:
                found[match.group(1) + ("[]" if go_type.startswith("[]") else "")] = target
        return found


def resolved(package: str, go_type: str) -> str:
    """The full name of a type that a package mentions."""
    prefix, _, name = go_type.rpartition(".")
    return f"{PACKAGES.get(prefix, prefix) if prefix else package}.{name}"


def explained(comment: str, name: str) -> str:
    """What a constant's comment says of it, in one line, without its name in front."""
    lines = [line.strip().removeprefix("//").strip() for line in comment.splitlines()]
    text = " ".join(lines).strip().removeprefix(name).strip()
    return re.sub(r"\s+", " ", text)


def main(folder: str) -> None:
    source = Source(Path(folder))
    types: dict[str, Any] = json.loads((DATA / "schemas.json").read_text())["types"]
    fields = {}
    for struct in sorted(types):
        for name, target in source.fields(struct).items():
            if name.removesuffix("[]") in types[struct]["fields"]:
                fields[f"{struct}.{name}"] = target
    used = {name: sorted(source.values[name].items()) for name in sorted(set(fields.values()))}
    empty = [name for name, values in used.items() if not values]
    if empty:
        raise SystemExit(f"no values for {empty}")
    version = next(Path(folder).glob("api@*")).name.partition("@")[2]
    document = {"about": NOTICE.format(version=version), "fields": fields, "values": used}
    text = json.dumps(document, separators=(",", ":"), sort_keys=True)
    (DATA / "enums.json").write_text(text + "\n")
    print(f"{len(used)} types, {len(fields)} fields, {len(text)} bytes")


if __name__ == "__main__":
    main(sys.argv[1])
