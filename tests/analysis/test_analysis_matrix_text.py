"""The matrix in its six forms, ports in words, and the commands' reports."""

from __future__ import annotations

import csv
import io
import json
import xml.etree.ElementTree as ElementTree
from ipaddress import ip_network

import pytest

from minik8s.analysis import report
from minik8s.analysis.inputs import InputError, documents, parse, read
from minik8s.analysis.matrix import Matrix
from minik8s.analysis.matrix_text import Grid, ports_text
from minik8s.policy.ports import EVERYTHING, NOTHING, PortSet


def pod(name, owner=None, **labels):
    metadata = {"name": name, "namespace": "shop", "labels": labels}
    if owner:
        metadata["ownerReferences"] = [{"kind": "ReplicaSet", "name": owner, "controller": True}]
    return {"kind": "Pod", "metadata": metadata}


API = {
    "kind": "NetworkPolicy",
    "metadata": {"name": "api", "namespace": "shop"},
    "spec": {
        "podSelector": {"matchLabels": {"app": "api"}},
        "ingress": [
            {"from": [{"podSelector": {"matchLabels": {"app": "web"}}}], "ports": [{"port": 80}]},
            {"from": [{"ipBlock": {"cidr": "192.0.2.0/24"}}]},
        ],
    },
}
DOCUMENTS = [
    pod("api", app="api"),
    pod("web-abc-1", "web-abc", app="web", **{"pod-template-hash": "abc"}),
    pod("web-abc-2", "web-abc", app="odd", **{"pod-template-hash": "abc"}),
    API,
]


def made(output, **arguments):
    found = report.run_matrix(DOCUMENTS, output=output, **arguments)
    assert (found.code, found.err) == (0, "")
    return found.out


def test_table_says_yes_no_and_some():
    rows = [line.split("  ") for line in made("table", port="80/TCP").splitlines()]
    cells = [[cell.strip() for cell in row if cell.strip()] for row in rows]
    assert cells[0] == ["FROM \\ TO", "shop/api", "shop/web", *cells[0][3:]]
    assert cells[2][:3] == ["shop/web", "some", "yes"]
    assert [row[1] for row in cells if row[0] == "outside 192.0.2.0/24"] == ["yes"]
    assert [row[1] for row in cells if row[0] == "outside elsewhere"] == ["no"]


def test_wide_says_which_ports():
    text = made("wide")
    assert "80/TCP (of all pods: none)" in text


def test_csv_and_json_say_the_same():
    rows = list(csv.DictReader(io.StringIO(made("csv", port="80"))))
    pairs = json.loads(made("json", port="80"))["pairs"]
    words = {"allow": "yes", "deny": "no", "mixed": "some"}
    assert [(r["from"], r["to"], r["verdict"]) for r in rows] == [
        (p["from"], p["to"], words[p["verdict"]]) for p in pairs
    ]
    data = json.loads(made("json"))
    (pair,) = [p for p in data["pairs"] if (p["from"], p["to"]) == ("shop/web", "shop/api")]
    assert pair["ports"] == [{"protocol": "TCP", "first": 80, "last": 80}]
    assert pair["portsOfAllPods"] == []
    assert data["ends"][1]["members"] == ["shop/web-abc-1", "shop/web-abc-2"]
    assert data["ends"][1]["kind"] == "Deployment"


def test_dot_has_an_edge_for_each_open_pair():
    text = made("dot", port="81")
    assert '"shop/web" -> "shop/api"' not in text
    assert '"shop/api" -> "shop/web"' in text
    assert '"shop/web" -> "shop/api" [label="80/TCP (of all pods: none)"]' in made("dot")


def test_svg_is_well_formed_and_titled():
    root = ElementTree.fromstring(made("svg", port="80/TCP"))
    titles = [element.text for element in root.iter("{http://www.w3.org/2000/svg}title")]
    assert "shop/web -> shop/api: some" in titles
    assert len(titles) == len(Grid.of(Matrix.of(DOCUMENTS)).ends) ** 2


def test_png_needs_somebody_to_draw_it():
    found = report.run_matrix(DOCUMENTS, output="png")
    assert (found.code, found.err.count("\n")) == (2, 1)
    assert "minik8s[course]" in found.err
    assert report.run_matrix(DOCUMENTS, output="png", png=lambda grid: b"PNG").out == b"PNG"


@pytest.mark.parametrize("arguments", [{"output": "gif"}, {"port": "0"}, {"port": "80/ICMP"}])
def test_bad_arguments_are_one_line_and_exit_2(arguments):
    found = report.run_matrix(DOCUMENTS, **arguments)
    assert (found.code, found.out, found.err.count("\n")) == (2, "", 1)


@pytest.mark.parametrize(
    ("intervals", "text"),
    [
        (EVERYTHING.intervals, "all"),
        (NOTHING.intervals, "none"),
        ([("TCP", 0, 65535)], "*/TCP"),
        ([("TCP", 80, 80), ("TCP", 82, 90), ("UDP", 53, 53)], "80,82-90/TCP 53/UDP"),
        ([("other", 0, 0)], "other"),
    ],
)
def test_ports_in_words(intervals, text):
    assert ports_text(PortSet.of(intervals)) == text


def test_set_arithmetic_of_ports():
    some = PortSet.of([("TCP", 10, 20), ("TCP", 21, 30), ("UDP", 5, 5)])
    assert some.intervals == (("TCP", 10, 30), ("UDP", 5, 5))
    cut = some - PortSet.of([("TCP", 15, 16)])
    assert cut.intervals == (("TCP", 10, 14), ("TCP", 17, 30), ("UDP", 5, 5))
    assert cut | PortSet.of([("TCP", 15, 16)]) == some
    assert (some & PortSet.of([("TCP", 30, 40)])).intervals == (("TCP", 30, 30),)
    assert EVERYTHING - EVERYTHING == NOTHING
    assert ("ICMP", None) in EVERYTHING
    assert ("ICMP", None) not in some


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.yaml", "kind: Pod\nmetadata: {name: x\n", "a.yaml:2: "),
        ("a.yaml", "- 1\n", "a.yaml:1: not a Kubernetes object"),
        ("a.yaml", "\n\nkind: Pod\n", "a.yaml:3: an object needs kind and metadata.name"),
        ("a.json", '{"kind": "Pod",}', "a.json:1: "),
        ("a.json", "[" * 100_000, "a.json:1: nested too deeply"),
        ("a.yaml", "a: !!python/object:os.system x\n", "a.yaml:1: "),
    ],
)
def test_unreadable_input_is_one_line_with_its_place(name, text, says):
    with pytest.raises(InputError) as error:
        list(parse(name, text))
    assert str(error.value).startswith(says)
    assert "\n" not in str(error.value)


def test_lists_are_unpacked_with_their_lines(tmp_path):
    pods = "- kind: Pod\n  apiVersion: v1\n  metadata:\n    name: x\n"
    text = f"kind: List\napiVersion: v1\nitems:\n{pods}"
    (source,) = parse("list.yaml", text)
    assert (source.line, source.line_of("metadata.name")) == (4, 7)
    assert source.document["metadata"]["namespace"] == "default"
    more = f"# h\u00e9, \U0001f600\n---\n# {'x' * 50}\n{text}"
    more += "---\nkind: Pod\napiVersion: v1\nmetadata:\n  name: y\n"
    one, other = parse("two.yaml", more)
    assert (one.line, one.line_of("metadata.name")) == (7, 10)
    assert (other.line, other.line_of("metadata.name")) == (12, 15)
    place = tmp_path / "list.yaml"
    place.write_text(text, encoding="utf-8")
    assert documents(read([str(tmp_path)])) == [source.document]


@pytest.mark.parametrize(
    "spec", ["7", "{priority: x}", "{ingress: 7}", "{subject: [1]}", "{egress: [{to: [7]}]}"]
)
def test_malformed_cluster_wide_policies_are_refused(tmp_path, spec):
    place = tmp_path / "cnp.yaml"
    head = (
        "kind: ClusterNetworkPolicy\napiVersion: policy.networking.k8s.io/v1\nmetadata: {name: x}\n"
    )
    place.write_text(f"{head}spec: {spec}\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"cnp\.yaml:1: this ClusterNetworkPolicy is malformed"):
        report.load([str(place)])


def test_the_last_of_two_objects_of_a_name_counts():
    twice = [pod("api", app="web"), pod("api", app="api"), API]
    matrix = Matrix.of(twice)
    assert not matrix.allows("ip:203.0.113.1", "shop/api", "TCP", 80)
    assert [len(entry.members) for entry in matrix.reach.classes.list if entry.members] == [1]


def test_aliases_cost_no_time_or_memory():
    lines = ["kind: ConfigMap", "metadata: {name: x}", "a0: &a0 [x, x]"]
    lines += [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40)]
    with pytest.raises(InputError, match=r"^bomb\.yaml:1: document contains excessive aliasing$"):
        list(parse("bomb.yaml", "\n".join(lines)))


def test_a_block_with_exceptions_has_a_short_name_and_all_its_addresses_in_json():
    block = {"cidr": "172.17.0.0/16", "except": ["172.17.1.0/24"]}
    policy = {**API, "spec": {"podSelector": {}, "ingress": [{"from": [{"ipBlock": block}]}]}}
    made = report.run_matrix([pod("api", app="api"), policy], output="json")
    ends = {end["name"]: end for end in json.loads(made.out)["ends"]}
    name = "outside 172.17.0.0/16 without 172.17.1.0/24"
    assert list(ends) == ["shop/api", "outside elsewhere", name]
    whole = ip_network("172.17.0.0/16").address_exclude(ip_network("172.17.1.0/24"))
    inside = ends[name]["blocks"]
    assert sorted(map(ip_network, inside)) == sorted(whole)
    elsewhere = map(ip_network, ends["outside elsewhere"]["blocks"])
    fours = sum(block.num_addresses for block in elsewhere if block.version == 4)
    assert fours == 2**32 - 2**16 + 2**8
    assert "blocks" not in ends["shop/api"]
