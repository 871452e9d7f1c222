"""`kubectl events`."""

from __future__ import annotations

from dataclasses import dataclass

from minik8s.kubectl.call import Call
from minik8s.kubectl.describe.events import interval
from minik8s.kubectl.failures import Failure
from minik8s.kubectl.output import Printer, object_printer
from minik8s.kubectl.resources import kind_named
from minik8s.kubectl.structs import typed
from minik8s.kubectl.tables import escape_terminal
from minik8s.kubectl.tabwriter import TabWriter, table_writer
from minik8s.model.durations import age
from minik8s.model.metadata import Document, namespace_of
from minik8s.model.registry import EVENT

_TYPES = ("normal", "warning")
_CHUNK = "500"


@dataclass(slots=True)
class _Table:
    """Events in a table, the header before the first."""

    call: Call
    out: TabWriter
    headed: bool = False

    def print(self, event: Document) -> None:
        """Add one event."""
        flags = self.call.flags
        everywhere = flags.on("all-namespaces")
        if not self.headed and not flags.on("no-headers"):
            titles = ["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]
            self.out.write("\t".join(["NAMESPACE", *titles] if everywhere else titles) + "\n")
        self.headed = True
        about = event.get("involvedObject") or {}
        now = self.call.io.now()
        cells = [
            interval(lambda timestamp: age(timestamp, now), event),
            escape_terminal(event.get("type", "")),
            escape_terminal(event.get("reason", "")),
            f"{about.get('kind', '')}/{about.get('name', '')}",
            escape_terminal(str(event.get("message", "")).strip()),
        ]
        self.out.write("\t".join([namespace_of(event), *cells] if everywhere else cells) + "\n")


def run(call: Call) -> int | None:
    """List events, the oldest first."""
    flags = call.flags
    query = {**_about(call), "limit": _CHUNK}
    for word in flags.items("types"):
        if word.lower() not in _TYPES:
            raise Failure("valid --types are Normal or Warning")
    printer = object_printer(call, "events") if flags.text("output") else None
    namespace = "" if flags.on("all-namespaces") else call.namespace
    if flags.on("watch"):
        return _watch(call, namespace, query, printer)
    found = [
        {"apiVersion": "v1", "kind": "Event", **event} for event in _listed(call, namespace, query)
    ]
    events = sorted(filter(lambda event: _is_wanted(call, event), found), key=_moment)
    if not events:
        where = f" in {call.namespace} namespace" if namespace else ""
        call.err(f"No events found{where}.\n")
        return None
    if printer is not None:
        printer(typed({"kind": "EventList", "apiVersion": "v1", "metadata": {}, "items": events}))
        return None
    table = _Table(call, table_writer(call.out))
    for event in events:
        table.print(event)
    table.out.flush()
    return None


def _about(call: Call) -> dict[str, str]:
    """The field selector for `--for`."""
    text = call.flags.text("for")
    if not text:
        return {}
    parts = text.split("/")
    if len(parts) > 2:
        raise Failure("arguments in resource/name form may not have more than one slash")
    if len(parts) < 2:
        raise Failure("--for must be in resource/name form")
    kind = kind_named(call.client, parts[0].lower())
    return {
        "fieldSelector": f"involvedObject.kind={kind.kind},"
        f"involvedObject.apiVersion={kind.api_version},involvedObject.name={parts[1]}"
    }


def _listed(call: Call, namespace: str, query: dict[str, str]) -> list[Document]:
    events: list[Document] = []
    while True:
        page = call.client.list(EVENT, namespace, query=query)
        events += page["items"] or ()
        after = page.get("metadata", {}).get("continue", "")
        if not after:
            return events
        query = {**query, "continue": after}


def _is_wanted(call: Call, event: Document) -> bool:
    types = [word.lower() for word in call.flags.items("types")]
    return not types or str(event.get("type", "")).lower() in types


def _moment(event: Document) -> str:
    series = event.get("series") or {}
    found = series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime")
    return str(found or "")


def _watch(call: Call, namespace: str, query: dict[str, str], printer: Printer | None) -> int:
    stream = call.client.watch(EVENT, namespace, query=query)
    table = _Table(call, table_writer(call.out))

    def pump() -> bool:
        for change in stream.poll():
            event = {"apiVersion": "v1", "kind": "Event", **change["object"]}
            if change["type"] == "DELETED" or not _is_wanted(call, event):
                continue
            if printer is not None:
                printer(typed(event))
            else:
                table.print(event)
                table.out.flush()
        return not stream.closed

    return call.io.follow(pump)
