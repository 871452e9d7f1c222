"""`-o custom-columns`: columns that a person names, each filled by a JSONPath."""

from __future__ import annotations

from dataclasses import dataclass

from minik8s.kubectl.call import Call
from minik8s.kubectl.failures import Failure
from minik8s.kubectl.govalue import go_value
from minik8s.kubectl.jsonpath import JSONPath, JSONPathError, relaxed
from minik8s.kubectl.tables import escape_terminal
from minik8s.kubectl.tabwriter import TabWriter, table_writer
from minik8s.model.metadata import Document

FORMATS = ("custom-columns", "custom-columns-file")


@dataclass(slots=True)
class ColumnsPrinter:
    """Prints objects and lists; the headers come again when one follows the other."""

    columns: list[tuple[str, JSONPath]]
    headers: bool
    _last: str = ""

    def print(self, document: Document, out: TabWriter) -> None:
        """Print one object, or the items of a list."""
        kind = "list" if isinstance(document.get("items"), list) else "object"
        if self.headers and kind != self._last:
            out.write("\t".join(header for header, _ in self.columns) + "\n")
            self._last = kind
        for item in document["items"] if kind == "list" else [document]:
            out.write("\t".join(_cell(path, item) for _, path in self.columns) + "\n")


def _cell(path: JSONPath, item: Document) -> str:
    try:
        found = path.find(item)
    except JSONPathError as error:
        raise Failure(str(error)) from None
    texts = [] if found and found[0] else ["<none>"]
    texts += [escape_terminal(go_value(value)) for values in found for value in values]
    return ",".join(texts)


def columns_printer(call: Call, output: str) -> ColumnsPrinter | None:
    """The printer of `-o custom-columns=...`, or None for another format."""
    name, spec = output, call.flags.text("template")
    if not spec:
        name, _, spec = output.partition("=")
    if name not in FORMATS:
        return None
    if not spec:
        raise Failure("custom-columns format specified but no custom columns given")
    if name == "custom-columns-file":
        return ColumnsPrinter(_from_file(call, spec), headers=True)
    columns = []
    for part in spec.split(","):
        header, colon, path = part.partition(":")
        if not colon:
            raise Failure(
                f"unexpected custom-columns spec: {part}, expected <header>:<json-path-expr>"
            )
        columns.append((header, _path(path)))
    return ColumnsPrinter(columns, headers=not call.flags.on("no-headers"))


def _path(text: str) -> JSONPath:
    try:
        return JSONPath(relaxed(text))
    except JSONPathError as error:
        raise Failure(str(error)) from None


def _from_file(call: Call, path: str) -> list[tuple[str, JSONPath]]:
    try:
        lines = call.io.read_file(path).decode().splitlines()
    except FileNotFoundError:
        raise Failure(
            f"error reading template {path}, open {path}: no such file or directory\n"
        ) from None
    form = (
        "Expected format is one line of space separated headers, one line of space separated "
        "column specs."
    )
    if len(lines) < 2:
        missing = "spec" if lines else "header"
        raise Failure(f"invalid template, missing {missing} line. {form}")
    headers, specs = lines[0].split(), lines[1].split()
    if len(headers) != len(specs):
        raise Failure(
            f"number of headers ({len(headers)}) and field specifications ({len(specs)}) don't "
            "match"
        )
    return [(header, _path(spec)) for header, spec in zip(headers, specs, strict=True)]


def print_columns(call: Call, printer: ColumnsPrinter, document: Document) -> None:
    """Print one object or list, aligned."""
    out = table_writer(call.out)
    printer.print(document, out)
    out.flush()
