"""`kubectl events`."""

from __future__ import annotations

from minik8s.clock import parse_rfc3339
from minik8s.kubectl.call import Call
from minik8s.kubectl.describe.events import interval
from minik8s.kubectl.failures import Exit, Failure, NoSuchResource
from minik8s.kubectl.gosort import go_sorted
from minik8s.kubectl.output import FORMATS, NoPrinter, Printer, format_printer
from minik8s.kubectl.resources import kind_named
from minik8s.kubectl.structs import Typed, typed
from minik8s.kubectl.tables import escape_terminal
from minik8s.kubectl.tabwriter import TabWriter, table_writer
from minik8s.model.durations import age
from minik8s.model.metadata import Document, namespace_of
from minik8s.model.registry import EVENT

_HEADS = ("LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE")


def run(call: Call) -> int | None:
    """List events, the latest last."""
    flags = call.flags
    everywhere = flags.on("all-namespaces")
    query = _query(call)
    wanted = {name.lower() for name in flags.items("types")}
    if wanted - {"normal", "warning"}:
        raise Failure("valid --types are Normal or Warning")
    printer = _printer(call)
    namespace = "" if everywhere else call.namespace
    show = _Show(call, everywhere, printer)
    if flags.on("watch"):
        return _watch(call, namespace, query, wanted, show)
    found = _listed(call, namespace, query)
    events = [event for event in found if _is_wanted(event, wanted)]
    if events:
        show.all(go_sorted(events, _moment))
    else:
        call.err(
            "No events found" + (".\n" if everywhere else f" in {call.namespace} namespace.\n")
        )
    return None


def _query(call: Call) -> dict[str, str]:
    """The parameters that ask for the events of `--for` alone."""
    query = {"limit": str(call.flags.number("chunk-size"))}
    typed_name = call.flags.text("for")
    if not typed_name:
        return query
    parts = typed_name.split("/")
    if len(parts) > 2:
        raise Failure("arguments in resource/name form may not have more than one slash")
    if len(parts) < 2:
        raise Failure("--for must be in resource/name form")
    if not parts[0]:
        raise Failure("a resource must be present, got: /, Resource=")
    try:
        kind = kind_named(call.client, parts[0])
    except NoSuchResource as error:
        raise Exit(1, str(error)) from None
    if not parts[1]:
        return query
    fields = {
        "involvedObject.kind": kind.kind,
        "involvedObject.apiVersion": kind.api_version,
        "involvedObject.name": parts[1],
    }
    query["fieldSelector"] = ",".join(f"{field}={value}" for field, value in fields.items())
    return query


def _printer(call: Call) -> Printer | None:
    """The printer of `-o`; None for the table. Raises Failure for an unknown format."""
    output = call.flags.text("output")
    if not output:
        return None
    if output == "name":
        return lambda _: None
    printer = format_printer(call, output)
    if printer is None:
        raise NoPrinter(output, FORMATS)
    return printer


def _listed(call: Call, namespace: str, query: dict[str, str]) -> list[Document]:
    events: list[Document] = []
    after = ""
    while True:
        asked = {**query, "continue": after} if after else query
        page = call.client.list(EVENT, namespace, query=asked)
        events += page.get("items") or ()
        after = page.get("metadata", {}).get("continue", "")
        if not after:
            return events


def _is_wanted(event: Document, wanted: set[str]) -> bool:
    return not wanted or str(event.get("type") or "").lower() in wanted


def _moment(event: Document) -> float:
    """When it happened last, in seconds since 1970."""
    stamp = (
        (event.get("series") or {}).get("lastObservedTime")
        or event.get("lastTimestamp")
        or event.get("eventTime")
    )
    return parse_rfc3339(stamp) if stamp else float("-inf")


class _Show:
    """Prints events, as a table or as `-o` says."""

    def __init__(self, call: Call, everywhere: bool, printer: Printer | None) -> None:
        self._call = call
        self._everywhere = everywhere
        self._printer = printer
        self._headed = call.flags.on("no-headers")
        self._out: TabWriter = table_writer(call.out)

    def all(self, events: list[Document]) -> None:
        """Print a list."""
        if self._printer is not None:
            listed = {"kind": "EventList", "apiVersion": "v1", "metadata": {}}
            items = [_complete(event) for event in events]
            self._print(Typed({**listed, "items": items}))
            return
        for event in events:
            self._line(event)
        self._out.flush()

    def one(self, event: Document) -> None:
        """Print one event as it arrives."""
        if self._printer is not None:
            self._print(_complete(event))
            return
        self._line(event)
        self._out.flush()

    def _print(self, document: Document) -> None:
        assert self._printer is not None
        try:
            self._printer(document)
        except Failure:
            return

    def _line(self, event: Document) -> None:
        if not self._headed:
            self._row("NAMESPACE", _HEADS)
            self._headed = True
        now, about = self._call.io.now(), event.get("involvedObject") or {}
        cells = (
            interval(lambda stamp: age(stamp, now), event),
            event.get("type") or "",
            event.get("reason") or "",
            f"{about.get('kind', '')}/{about.get('name', '')}",
            str(event.get("message") or "").strip(),
        )
        self._row(namespace_of(event), cells)

    def _row(self, namespace: str, cells: tuple[str, ...]) -> None:
        if self._everywhere:
            cells = (namespace, *cells)
        self._out.write("\t".join(map(escape_terminal, cells)) + "\n")


def _complete(event: Document) -> Typed:
    """An event as kubectl has it: the fields that its type always has are there."""
    always: Document = {
        "kind": "Event",
        "apiVersion": "v1",
        "source": {},
        "firstTimestamp": None,
        "lastTimestamp": None,
        "eventTime": None,
        "reportingComponent": "",
        "reportingInstance": "",
    }
    return typed({**always, **event})


def _watch(call: Call, namespace: str, query: dict[str, str], wanted: set[str], show: _Show) -> int:
    """Print events as they arrive, those that are there first."""
    stream = call.client.watch(EVENT, namespace, query=query)

    def pump() -> bool:
        for change in stream.poll():
            if change["type"] in ("ADDED", "MODIFIED") and _is_wanted(change["object"], wanted):
                show.one(change["object"])
        return not stream.closed

    return call.io.follow(pump)
