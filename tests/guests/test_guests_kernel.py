"""Programs in pods against what the same programs did on a real Linux kernel.

`tests/data/guests/kernel.jsonl` holds recorded commands with their output, exit code and
duration. The cluster of each row's `setup` is built here; then the command is run in a pod.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from guests_world import World, demo

from minik8s.guests.catalogue import Image, find_image
from minik8s.network.dns import TYPE_NAMES, decode

ROWS = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "data/guests/kernel.jsonl").read_text().splitlines()
]
_DEBIAN = find_image("buildpack-deps")
_ALPINE = find_image("byrnedo/alpine-curl")
VARIANTS: dict[str, Image] = {
    "curl-7.66.0-musl": _ALPINE,
    "curl-7.66.0-cares": replace(_DEBIAN, curl="7.66.0", resolver="c-ares"),
    "curl-7.88.1": _DEBIAN,
    "curl-7_74_0": replace(_DEBIAN, curl="7.74.0"),
    "curl-8_21_0": replace(_DEBIAN, curl="8.21.0"),
}

DNS_PEER = {
    "namespaceSelector": {},
    "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
}
BACKEND = {"matchLabels": {"app": "backend"}}
FRONTEND = {"matchLabels": {"app": "frontend"}}
POLICIES: dict[str, dict[str, Any]] = {
    "01": {"podSelector": BACKEND, "policyTypes": ["Ingress"]},
    "02": {"podSelector": BACKEND, "ingress": [{"from": [{"podSelector": FRONTEND}]}]},
    "03": {"podSelector": {}, "ingress": [{"from": [{"podSelector": {}}]}]},
    "04": {
        "podSelector": BACKEND,
        "ingress": [{"from": [{"namespaceSelector": {"matchLabels": {"type": "monitoring"}}}]}],
    },
    "05": {
        "podSelector": BACKEND,
        "ingress": [
            {
                "from": [
                    {
                        "namespaceSelector": {"matchLabels": {"type": "monitoring"}},
                        "podSelector": {"matchLabels": {"app": "monitoring"}},
                    }
                ]
            }
        ],
    },
    "06": {"podSelector": FRONTEND, "policyTypes": ["Egress"]},
    "07": {
        "podSelector": FRONTEND,
        "policyTypes": ["Egress"],
        "egress": [{"to": [{"podSelector": BACKEND}]}],
    },
    "08": {
        "podSelector": {},
        "policyTypes": ["Egress"],
        "egress": [{"to": [DNS_PEER], "ports": [{"port": 53, "protocol": "UDP"}]}],
    },
}
SETUPS = {
    "T02": "01", "T03": "01", "T04": "01 02", "T05": "01 02 03", "T06": "01 03",
    "T07": "01 03", "T08": "01 03 04", "T09": "01 03 05", "T10": "01 03 05 06",
    "T11": "01 03 05 06 07", "T12": "01 03 05 06 07", "T13": "01 03 05 06 07 08",
    "T14": "01 03 05 06 07 08", "T-pipe-fail": "01 03 05 06 07 08", "T-flags": "08",
    "T-flags-dns": "06", "s2": "01", "s3": "01", "s4": "06", "s5": "06", "t1": "01",
    "t2": "01", "i6": "08", "long-syn": "01", "long-dns": "06",
}  # fmt: skip
"""Which of the tutorial's policies were loaded, by the start of the row's id."""


def build(row: dict[str, Any]) -> World:
    """The cluster of a row."""
    world = demo()
    world.namespace("monitoring", type="monitoring")
    world.pod(
        "monitoring",
        "byrnedo/alpine-curl",
        namespace="monitoring",
        labels={"app": "monitoring"},
        command=["sleep", "infinity"],
    )
    name = row["id"]
    known = [key for key in SETUPS if name == key or name.startswith((f"{key}.", f"{key}-"))]
    policies = SETUPS[max(known, key=len)] if known else ""
    if name == "r6" and "denied" in row["setup"]:
        policies = "01"
    if name in ("r7", "r8") and "denied" in row["setup"]:
        policies = "01"
    if name == "r8" and "egress deny" in row["setup"]:
        policies = "06"
    for each in policies.split():
        world.policy(f"p{each}", POLICIES[each])
    if name[0] in _EXTRAS and name not in ("mq",):
        _EXTRAS[name[0]](world, row)
    return world


def _closed_services(world: World, row: dict[str, Any]) -> None:
    backend = world.store.get(
        world.store.registry.of({"apiVersion": "v1", "kind": "Pod"}), "default", "backend"
    )
    world.service("empty", "10.96.105.102", [("", 80, 80, "TCP")], [])
    world.service("closed", "10.96.105.103", [("", 80, 81, "TCP")], [backend])
    if row["id"] in ("i2", "i3"):
        rule = {"from": [{"podSelector": FRONTEND}], "ports": [{"port": 9999}]}
        world.policy("only-9999", {"podSelector": BACKEND, "ingress": [rule]})


def _dns_policies(world: World, row: dict[str, Any]) -> None:
    world.big_service("big", 60)
    match = re.match(r"egress DNS (UDP\+TCP|UDP|TCP) 53", row["setup"])
    assert match is not None
    ports = [{"port": 53, "protocol": protocol} for protocol in match[1].split("+")]
    rules = [{"to": [DNS_PEER], "ports": ports}, {"ports": [{"port": 8080}]}]
    world.policy("dns", {"podSelector": FRONTEND, "policyTypes": ["Egress"], "egress": rules})


def _dns_trouble(world: World, row: dict[str, Any]) -> None:
    dns = {"matchLabels": {"k8s-app": "kube-dns"}}
    if row["id"] == "q3":
        world.containers.end("kube-system", "coredns", "main")
        return
    # a hung server and one behind a deny are equally silent
    world.policy("deny", {"podSelector": dns, "policyTypes": ["Ingress"]}, "kube-system")


def _truncation(world: World, row: dict[str, Any]) -> None:
    if row["id"] == "t4":
        _dns_policies(world, {"setup": "egress DNS UDP 53"})


_EXTRAS: dict[str, Callable[[World, dict[str, Any]], None]] = {
    "i": _closed_services,
    "m": _dns_policies,
    "q": _dns_trouble,
    "t": _truncation,
}


def variant(row: dict[str, Any]) -> Image:
    """The build of curl that a row was recorded with."""
    text = f"{row['id']} {row['setup']} {row['command']}"
    for name, image in VARIANTS.items():
        if name in text:
            return image
    return _DEBIAN


def command_of(row: dict[str, Any], world: World) -> list[str]:
    """The command line in the pod; addresses are those of this cluster."""
    text = row["command"].removeprefix("(tty) ").split(" | head")[0].split("; echo")[0]
    if row["id"] == "r6":
        words = re.split(r" (?=-w )|(?<=\n) ", text)
        return [*shlex.split(words[0]), "-w", words[1][3:], words[2]]
    words = text.split()
    if ".dist." in row["id"]:
        words = ["curl", *words]
    return [world.translate("curl" if word.startswith("curl-") else word) for word in words]


def pod_of(row: dict[str, Any]) -> tuple[str, str]:
    """Namespace and name of the pod in which a row was recorded."""
    name, setup = row["id"], row["setup"]
    if "monitoring" in setup or name[:3] in ("T07", "T08", "T09"):
        return "monitoring", "monitoring"
    if name[:3] in ("T03", "T14") or name in ("T-pipe-fail", "T-flags", "T-nxdomain"):
        return "default", "backend"
    return "default", "frontend"


def run(row: dict[str, Any]) -> tuple[World, Any]:
    """Build the cluster and run the command."""
    world = build(row)
    namespace, pod = pod_of(row)
    container = world.containers.container(namespace, pod, "main")
    command = command_of(row, world)
    container.image = variant(row) if command[0] == "curl" else find_image("netshoot")
    tty = row["command"].startswith("(tty)")
    return world, world.run(pod, *command, namespace=namespace, tty=tty)


def is_command(row: dict[str, Any]) -> bool:
    word = row["command"].removeprefix("(tty) ").split()[0]
    return word.startswith("curl") or word in ("dig", "nc", "ping") or ".dist." in row["id"]


_TIME = re.compile(r"(?<=after )(\d+)(?= (?:ms|milliseconds))")


def wordings(text: str) -> str:
    """A complaint without the milliseconds in it."""
    return _TIME.sub("N", text)


def complaint(text: str) -> str:
    """The last line of standard error, which says what went wrong."""
    lines = [line for line in re.split(r"[\r\n]+", text) if line.startswith("curl: ")]
    return lines[-1] if lines else ""


def label(row: dict[str, Any]) -> str:
    return f"{row['section']}-{row['id']}-{row['run']}"


CURL_ROWS = [
    row for row in ROWS if is_command(row) and "curl" in row["command"] + row["id"]
    and row["id"] != "r6"
]  # fmt: skip


@pytest.mark.parametrize("row", CURL_ROWS, ids=label)
def test_curl_says_and_returns_what_it_did_on_a_real_kernel(row: dict[str, Any]) -> None:
    world, ran = run(row)
    if ".dist." in row["id"]:
        seen = json.loads(row["stdout"])
        assert complaint(ran.stderr) in seen
        return
    if row["command"].startswith("(tty)"):
        _compare_terminal(row, ran)
    else:
        assert wordings(complaint(ran.stderr)) == world.translate(
            wordings(complaint(row["stderr"]))
        )
        assert ran.stdout.split("\n")[0].rstrip("\r") == _first_line(row)
    if row["exit"] is not None and "; echo" not in row["command"] and row["id"] != "T-pipe-fail":
        assert ran.exit_code == row["exit"]
    if row.get("wall_s"):
        assert ran.seconds == pytest.approx(row["wall_s"], abs=0.35, rel=0.01)


def _first_line(row: dict[str, Any]) -> str:
    return "" if row["stdout"].startswith("status=") else row["stdout"].split("\n")[0]


def _compare_terminal(row: dict[str, Any], ran: Any) -> None:
    assert ran.stderr == ""
    if row["stdout"].startswith("curl: "):
        assert wordings(ran.stdout) == wordings(row["stdout"])
        return
    ours, theirs = ran.stdout.split("\n"), row["stdout"].split("\n")
    assert ours[0] == theirs[0]
    styled = re.compile(r"\x1b\[1m[\w-]+\x1b\[0m: ?")
    assert all(styled.match(line) or line.startswith("\x1b]8;;") for line in ours[1:-2])
    assert all(styled.match(line) or line.startswith("\x1b]8;;") for line in theirs[1:-2])
    assert ours[-2:] == theirs[-2:]
    assert [line for line in ours if "Location" in line] == [
        line for line in theirs if "Location" in line
    ]


METER_ROWS = [row for row in CURL_ROWS if "% Total" in (row["stderr"] or "")]


@pytest.mark.parametrize("row", METER_ROWS, ids=label)
def test_the_progress_meter_counts_the_same_seconds(row: dict[str, Any]) -> None:
    _, ran = run(row)
    spent = re.compile(r"--:--:-- (--:--:--| \d:\d\d:\d\d) --:--:--")

    def seconds(text: str) -> list[str]:
        times = spent.findall(text)
        return [time for place, time in enumerate(times) if time != times[place - 1] or not place]

    theirs = seconds(row["stderr"])
    assert seconds(ran.stderr) in (theirs, [*theirs, " 0:00:05"])
    header = row["stderr"].split("\n\n")[0]
    assert ran.stderr.startswith(header)


PING_AND_NC = [
    row
    for row in ROWS
    if row["command"].split()[0] in ("nc", "ping") and "-t 1" not in row["command"]
]


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row["command"].startswith(("nc ", "dig "))], ids=label
)
def test_nc_and_dig(row: dict[str, Any]) -> None:
    world, ran = run(row)

    def same(text: str) -> str:
        text = re.sub(r"id: \d+", "id: N", world.translate(text))
        text = re.sub(r"flags: qr (aa )?rd( ra)?", "flags: qr rd", text)
        text = text.replace(";; WARNING: recursion requested but not available\n", "")
        return re.sub(r"\d+\.\d+\.\d+\.\d+\n", "ADDRESS\n", text)

    theirs = row["stdout"]
    if "answer lines)" in theirs:
        theirs, _, count = theirs.rpartition("(")
        assert len(re.findall(r"\tA\t|IN A ", ran.stdout)) == int(count.split()[0])
        assert same(ran.stdout).startswith(same(theirs).rstrip("\n"))
    else:
        assert same(ran.stdout) == same(theirs)
    assert ran.stderr == world.translate(row["stderr"])
    assert ran.exit_code == row["exit"]
    assert ran.seconds == pytest.approx(row["wall_s"], abs=0.1)


def test_write_out_variables() -> None:
    allowed, denied = (row for row in ROWS if row["id"] == "r6")
    pattern = re.compile(r"dns=(\S+) conn=(\S+) total=(\S+) code=(\d+) errormsg=(.*) exit=(\d+)")
    for row in (allowed, denied):
        _, ran = run(row)
        ours, theirs = pattern.search(ran.stdout), pattern.search(row["stdout"])
        assert ours is not None
        assert theirs is not None
        assert ours.group(4, 6) == theirs.group(4, 6)
        assert wordings(ours[5]) == wordings(theirs[5])
        assert re.fullmatch(r"\d\.\d{6}", ours[1])
        assert (float(ours[2]) == 0) is (float(theirs[2]) == 0)
        assert float(ours[3]) == pytest.approx(float(theirs[3]), abs=0.01)


# -- DNS on the wire


def queries(world: World, since: float = 0.0) -> list[tuple[float, str, str]]:
    """The DNS questions that left pods: when, type and name."""
    found = []
    for trace in world.network.traces:
        packet = trace.packet
        if packet.protocol == "UDP" and packet.dport == 53:
            question = decode(packet.payload).questions[0]
            found.append((trace.time - since, TYPE_NAMES[question.type], question.name + "."))
    return found


@pytest.mark.parametrize("row", [row for row in ROWS if row["id"] == "p1"], ids=label)
def test_resolvers_ask_the_recorded_questions(row: dict[str, Any]) -> None:
    world, ran = run(row)
    asked = [(kind, name) for _, kind, name in queries(world)]
    recorded = [
        (match[1], match[2])
        for packet in row["packets"]
        if (match := re.search(r" Q id=\w+ (A|AAAA) (\S+)", packet))
    ]
    if "cares" in row["command"]:  # two independent searches, interleaved by chance
        asked, recorded = sorted(asked), sorted(recorded)
    assert asked == recorded
    assert ran.exit_code == (row["exit"] or 0)


TIMELINE = next(row for row in ROWS if row["id"] == "long-dns-timeline")
SPORTS = {"curl-7.66.0-musl": "43067", "curl-7.66.0-cares": "37168", "curl-7.88.1": None}


@pytest.mark.parametrize("name", SPORTS)
def test_resolvers_repeat_their_questions_at_the_recorded_times(name: str) -> None:
    others = {"43067", "37168"}
    recorded = []
    for line in TIMELINE["stdout"].splitlines():
        match = re.match(r"([\d.]+) sport=(\d+) Q id=\w+ (A|AAAA) (\S+)", line)
        assert match is not None
        mine = match[2] == SPORTS[name] if SPORTS[name] else match[2] not in others
        if mine:
            recorded.append((float(match[1]), match[3], match[4]))
    world = demo()
    world.policy("p06", POLICIES["06"])
    world.containers.container("default", "frontend", "main").image = VARIANTS[name]
    start = world.clock.now
    world.run("frontend", "curl", "-sS", "-I", "backend:8080")
    ours = queries(world, start)
    assert [each[1:] for each in ours] == [each[1:] for each in recorded]
    for mine, theirs in zip(ours, recorded, strict=True):
        assert mine[0] == pytest.approx(theirs[0] - recorded[0][0], abs=0.05)


def test_ping_prints_what_iputils_printed() -> None:
    for row in ROWS:
        if not row["command"].startswith("ping ") or "-t 1" in row["command"]:
            continue
        world = build(row)
        if row["id"] == "d4":
            rule = {"from": [{"podSelector": FRONTEND}], "ports": [{"port": 8080}]}
            world.policy("tcp", {"podSelector": BACKEND, "ingress": [rule]})
        if row["id"] in ("d2", "d3"):
            world.policy("deny", {"podSelector": FRONTEND, "policyTypes": ["Ingress"]})
        pod = "backend" if row["id"] == "d3" else "frontend"
        image = find_image("netshoot")
        world.containers.container("default", pod, "main").image = image
        ran = world.run(pod, *[world.translate(word) for word in row["command"].split()])

        def same(text: str, world: World = world) -> str:
            text = re.sub(r"\d+\.\d{3}", "T", world.translate(text))
            return re.sub(r"ttl=\d+", "ttl=N", text)

        assert same(ran.stdout) == same(row["stdout"])
        assert ran.exit_code == row["exit"]
