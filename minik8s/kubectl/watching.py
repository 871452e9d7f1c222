"""`get --watch`: what is there, then every change."""

from __future__ import annotations

from dataclasses import replace

from minik8s.apiserver import Response
from minik8s.client import error_of
from minik8s.errors import NotFound
from minik8s.kubectl.call import Call
from minik8s.kubectl.failures import Failure, explain
from minik8s.kubectl.output import Printer
from minik8s.kubectl.selecting import select
from minik8s.kubectl.selection import Query, Selection, Target, list_parameters
from minik8s.kubectl.tables import TablePrinter
from minik8s.kubectl.tabwriter import TabWriter, table_writer
from minik8s.model.metadata import Document


class _Show:
    """Prints objects and events, in a table or as `-o` says."""

    def __init__(self, call: Call, printer: Printer | None, tables: TablePrinter) -> None:
        self._events = call.flags.on("output-watch-events")
        self._printer = printer
        self._tables = tables
        self._out: TabWriter = table_writer(call.out)

    def __call__(self, document: Document, event: str = "ADDED") -> None:
        if self._printer is not None:
            shown = {"type": event, "object": document} if self._events else document
            self._printer(shown)
            return
        self._tables.print(document, self._out, event if self._events else "")
        self._out.flush()

    def quietly(self, document: Document) -> None:
        """Note a table's columns, and print nothing."""
        if self._printer is None and document.get("kind") == "Table":
            self._tables.print({**document, "rows": []}, self._out)


def watch(call: Call, query: Query, printer: Printer | None, tables: TablePrinter) -> int:
    """Print what is there and what changes, until the person has seen enough."""
    query = replace(query, one_type=True, flatten=False)
    selection = select(query)
    targets, error = selection.targets(go_on=False)
    if error is not None:
        if isinstance(error, NotFound) and call.flags.on("ignore-not-found"):
            return 0
        raise error
    if len(targets) != 1 and selection.watchable is None:
        raise Failure(
            "watch is only supported on individual resources and resource collections - "
            f"{len(targets)} resources were found"
        )
    tables.options = replace(tables.options, namespaces=call.flags.on("all-namespaces"))
    show = _Show(call, printer, tables)
    _show_present(call, targets, show)
    return _follow(call, query, selection, targets[-1], show)


def _show_present(call: Call, targets: list[Target], show: _Show) -> None:
    for target in targets:
        documents = target.object.get("items", [target.object])
        for document in documents or ():
            if call.flags.on("watch-only"):
                show.quietly(document)
            else:
                show(document)


def _follow(call: Call, query: Query, selection: Selection, target: Target, show: _Show) -> int:
    parameters = {**list_parameters(query)}
    parameters.pop("limit", None)
    whole = selection.watchable is not None
    if whole:
        version = target.object.get("metadata", {}).get("resourceVersion", "")
        parameters["resourceVersion"] = version
    else:
        parameters |= {"fieldSelector": f"metadata.name={target.name}", "resourceVersion": "0"}
    stream = call.client.watch(target.kind, target.namespace, table=query.table, query=parameters)
    # The watch of one object begins with the object that has just been shown.
    seen = [whole]

    def pump() -> bool:
        for event in stream.poll():
            if event["type"] == "ERROR":
                call.err(explain(error_of(Response(410, event["object"])))[0])
                return False
            if event["type"] == "BOOKMARK":
                continue
            if seen[0]:
                show(event["object"], event["type"])
            else:
                show.quietly(event["object"])
            seen[0] = True
        return not stream.closed

    return call.io.follow(pump)
