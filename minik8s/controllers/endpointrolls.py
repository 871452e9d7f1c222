"""The roll of one Service: which slice each of its pods lies in, and the Endpoints' lists.

A roll is kept from one reconciling to the next and told of the pods that have changed, so that
a change costs the same behind a Service of ten pods and of ten thousand. It knows only what was
written through it: whoever keeps one drops it when somebody else writes the Service or a slice.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping
from math import ceil
from typing import NamedTuple

from minik8s.controllers.endpoints import Ports, subset_ports
from minik8s.model.metadata import Document

PER_SLICE = 100
"""How many endpoints one slice holds at most."""

CAPACITY = 1000
"""How many addresses an Endpoints object holds at most (maxCapacity of the real controller)."""


class Slice:
    """One EndpointSlice; the name is empty until it is stored. Endpoints go by their pod."""

    __slots__ = ("entries", "name", "ports", "serial")

    def __init__(self, name: str, ports: Ports, entries: dict[str, Document]) -> None:
        self.name = name
        self.ports = ports
        self.entries = entries
        self.serial = 0


class Plan(NamedTuple):
    """The slices to write anew, to delete, and to create."""

    renewed: list[Slice]
    useless: list[Slice]
    created: list[Slice]


class SliceRoll:
    """The slices of one address family. Each pod stays in its slice as long as it may."""

    def __init__(self, slices: Iterable[Slice]) -> None:
        self._slices: dict[int, Slice] = {}
        self._home: dict[str, Slice] = {}
        self._roomy: dict[Ports, dict[int, Slice]] = {}
        self._empty: dict[int, Slice] = {}
        self._changed: dict[int, Slice] = {}
        self._serial = 0
        for each in slices:
            self._add(each)
            self._changed[each.serial] = each

    @property
    def names(self) -> Iterable[str]:
        """The pods that have an endpoint."""
        return self._home

    def place(self, pods: Mapping[str, tuple[Ports, Document] | None]) -> Plan:
        """Take in what pods have become: ports and endpoint, or None for one that has none.

        New ones go where there is room, then into slices that have become empty, then into
        new ones; what is still empty goes, but for the last slice of the Service.
        """
        waiting: dict[Ports, dict[str, Document]] = {}
        for name, found in pods.items():
            home = self._home.get(name)
            if home is not None and (found is None or found[0] != home.ports):
                self._take_out(name, home)
                home = None
            if found is None:
                continue
            ports, entry = found
            if home is None:
                waiting.setdefault(ports, {})[name] = entry
            elif home.entries[name] != entry:
                home.entries[name] = entry
                self._changed[home.serial] = home
        return self._plan([piece for item in waiting.items() for piece in self._fill(*item)])

    def _fill(self, ports: Ports, entries: dict[str, Document]) -> list[Slice]:
        """Fill up slices that have room; gives new ones for the rest."""
        names = list(entries)
        for serial in sorted(self._roomy.get(ports, ())):
            each = self._slices[serial]
            room = PER_SLICE - len(each.entries)
            taken, names = names[:room], names[room:]
            if not taken:
                break
            each.entries.update((name, entries[name]) for name in taken)
            self._home.update(dict.fromkeys(taken, each))
            self._changed[serial] = each
            self._sort_in(each)
        starts = range(0, len(names), PER_SLICE)
        pieces = [names[start : start + PER_SLICE] for start in starts]
        return [Slice("", ports, {name: entries[name] for name in piece}) for piece in pieces]

    def _plan(self, fresh: list[Slice]) -> Plan:
        if not fresh and len(self._empty) == len(self._slices):
            fresh = [Slice("", (), {})]
        idle = [self._empty[serial] for serial in sorted(self._empty)]
        for each, content in zip(idle, fresh, strict=False):
            if (each.ports, each.entries) != (content.ports, content.entries):
                each.ports, each.entries = content.ports, content.entries
                self._changed[each.serial] = each
            self._home.update(dict.fromkeys(each.entries, each))
            self._sort_in(each)
        useless, created = idle[len(fresh) :], fresh[len(idle) :]
        for each in useless:
            del self._slices[each.serial], self._empty[each.serial]
            self._changed.pop(each.serial, None)
        renewed = [self._changed[serial] for serial in sorted(self._changed)]
        self._changed.clear()
        for each in created:
            self._add(each)
        return Plan(renewed, useless, created)

    def _add(self, each: Slice) -> None:
        self._serial += 1
        each.serial = self._serial
        self._slices[each.serial] = each
        self._home.update(dict.fromkeys(each.entries, each))
        self._sort_in(each)

    def _take_out(self, name: str, home: Slice) -> None:
        del self._home[name], home.entries[name]
        self._changed[home.serial] = home
        self._sort_in(home)

    def _sort_in(self, each: Slice) -> None:
        """Keep note of where there is room."""
        self._empty.pop(each.serial, None)
        roomy = self._roomy.setdefault(each.ports, {})
        roomy.pop(each.serial, None)
        if not each.entries:
            self._empty[each.serial] = each
        elif len(each.entries) < PER_SLICE:
            roomy[each.serial] = each


class Member(NamedTuple):
    """One pod's part in an Endpoints object."""

    ports: Ports
    ready: bool
    address: Document


class AddressRoll:
    """The addresses of an Endpoints object, in order."""

    def __init__(self) -> None:
        self._members: dict[str, Member] = {}
        self._lists: dict[Ports, tuple[list[Document], list[Document]]] = {}

    def place(self, pods: Mapping[str, Member | None]) -> None:
        """Take in what pods have become; None for one without an address there."""
        for name, member in pods.items():
            before = self._members.pop(name, None)
            if before is not None:
                self._take_out(before)
            if member is not None:
                self._members[name] = member
                lists = self._lists.setdefault(member.ports, ([], []))
                insort(lists[not member.ready], member.address, key=_ip)

    def _take_out(self, member: Member) -> None:
        lists = self._lists[member.ports]
        addresses = lists[not member.ready]
        index = bisect_left(addresses, _ip(member.address), key=_ip)
        while addresses[index] is not member.address:  # pods in a node's network share one
            index += 1
        del addresses[index]
        if not any(lists):
            del self._lists[member.ports]

    def subsets(self) -> tuple[list[Document], bool]:
        """The `subsets`, and whether some addresses had to be left out."""
        groups = [(ports, ready[:], unready[:]) for ports, (ready, unready) in self._lists.items()]
        truncated = _truncate([(ready, unready) for _, ready, unready in groups])
        found = []
        for ports, ready, unready in groups:
            if not ready and not unready:
                continue
            subset: Document = {}
            if ready:
                subset["addresses"] = ready
            if unready:
                subset["notReadyAddresses"] = unready
            if ports:
                subset["ports"] = subset_ports(ports)
            found.append(subset)
        return found, truncated


def _truncate(groups: list[tuple[list[Document], list[Document]]]) -> bool:
    """Leave out what is too much, in proportion, the unready first (truncateEndpoints)."""
    well, ill = (sum(len(group[side]) for group in groups) for side in (0, 1))
    if well + ill <= CAPACITY:
        return False
    side, total, share = (0, well, CAPACITY) if well > CAPACITY else (1, ill, CAPACITY - well)
    left = share
    for group in groups:
        kept = min(ceil(len(group[side]) / total * share), left)
        del group[side][kept:]
        left -= kept
        if side == 0:
            group[1].clear()
    return True


def _ip(address: Document) -> str:
    return str(address["ip"])
