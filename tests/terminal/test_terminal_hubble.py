"""hubble v1.19.4: its lines, filters and errors, and that they agree with the packets."""

import json
import re

import pytest

from minik8s.model.registry import POD

FORWARD = "kubectl port-forward -n kube-system deployment/hubble-relay 4245:4245 &"
CILIUM = (
    "curl -sLO https://github.com/cilium/cilium-cli/releases/download/v0.4/"
    "cilium-linux-amd64.tar.gz; tar xzf cilium-linux-amd64.tar.gz; "
    "sudo mv cilium /usr/local/bin; cilium hubble enable > /dev/null 2>&1"
)


@pytest.fixture
def watched(make_laptop):
    """A laptop with Hubble, the demo app, one denied and one allowed request."""
    laptop = make_laptop()
    laptop.run(CILIUM)
    laptop.run(FORWARD)
    laptop.run("kubectl create -f tutorial/demo-app.yaml -f tutorial/01-backend-ingress-deny.yaml")
    laptop.run("kubectl exec deploy/frontend -- curl -sI --connect-timeout 2 backend:8080")
    laptop.run("kubectl create -f tutorial/02-backend-ingress-allow-frontend.yaml")
    laptop.run("kubectl exec deploy/backend -- curl -sI kubernetes.io")
    laptop.run("kubectl exec deploy/frontend -- curl -sI backend:8080")
    return laptop


def pod_name(laptop, app):
    pods = laptop.cluster.runtime.store.list(POD, "default")
    return next(p["metadata"]["name"] for p in pods if p["metadata"]["labels"]["app"] == app)


def lines(laptop, command):
    result = laptop.run(command)
    assert (result.stderr, result.exit_code) == ("", 0)
    # The port-forward in the background says so each time somebody connects.
    assert "Handling connection for 4245\n" in result.stdout
    return [line for line in result.stdout.splitlines() if not line.startswith("Handling")]


STAMP = r"Mar  8 \d\d:\d\d:\d\d\.\d{3}"


def test_denied_packets_come_in_pairs_at_each_attempt(watched):
    front, back = pod_name(watched, "frontend"), pod_name(watched, "backend")
    found = lines(watched, "hubble observe --verdict DROPPED")
    flow = rf"default/{front}:(\d+) \(ID:\d+\) <> default/{back}:8080 \(ID:\d+\)"
    end = r"\(TCP Flags: SYN\)"
    assert len(found) == 4
    ports = set()
    for verdict, drop in zip(found[::2], found[1::2], strict=True):
        first = re.fullmatch(rf"{STAMP}: {flow} policy-verdict:none INGRESS DENIED {end}", verdict)
        second = re.fullmatch(rf"{STAMP}: {flow} Policy denied DROPPED {end}", drop)
        ports |= {first.group(1), second.group(1)}
    assert len(ports) == 1
    seconds = [float(line[13:19]) for line in found[::2]]
    assert seconds[1] - seconds[0] == pytest.approx(1, abs=0.01)


def test_an_allowed_connection(watched):
    front, back = pod_name(watched, "frontend"), pod_name(watched, "backend")
    found = lines(watched, "hubble observe --protocol tcp --verdict FORWARDED --port 8080")
    verdicts = [line for line in found if "policy-verdict" in line]
    assert len(verdicts) == 1
    assert re.fullmatch(
        rf"{STAMP}: default/{front}:\d+ \(ID:\d+\) -> default/{back}:8080 \(ID:\d+\) "
        r"policy-verdict:L3-Only INGRESS ALLOWED \(TCP Flags: SYN\)",
        verdicts[0],
    )
    delivered = [line for line in found if " to-endpoint " in line]
    assert re.search(r" -> .*\(TCP Flags: SYN\)$", delivered[0])
    assert re.search(r" <- .*\(TCP Flags: SYN, ACK\)$", delivered[1])
    assert delivered[0].split(" ")[4:6] == delivered[1].split(" ")[4:6]


def test_identities_follow_labels(watched):
    watched.run("kubectl scale deployment backend --replicas=3")
    loop = "for i in 1 2 3 4 5 6 7 8; do curl -sI backend:8080; done"
    watched.run(f"kubectl exec deploy/frontend -- sh -c '{loop}'")
    found = lines(watched, "hubble observe --all -o json --protocol tcp --to-port 8080")
    ends = [json.loads(line)["flow"]["destination"] for line in found]
    assert len({end["pod_name"] for end in ends}) > 1
    assert len({end["identity"] for end in ends}) == 1


def test_names_of_the_world_and_of_dns(watched):
    out = lines(watched, "hubble observe --all --from-pod backend --port 80")
    assert all(re.search(r"-> [\d.]+:80 \(world\) to-stack FORWARDED", line) for line in out)
    dns = lines(watched, "hubble observe --protocol udp --port 53 --last 2")
    assert all("kube-system/coredns-" in line and line.endswith("(UDP)") for line in dns)


def test_json(watched):
    (line,) = lines(watched, "hubble observe -t policy-verdict --verdict FORWARDED -o json")
    document = json.loads(line)
    flow = document["flow"]
    assert list(document) == ["flow", "node_name", "time"]
    assert flow["verdict"] == "FORWARDED"
    assert flow["event_type"] == {"type": 5}
    assert (flow["policy_match_type"], flow["traffic_direction"]) == (1, "INGRESS")
    assert flow["l4"]["TCP"]["flags"] == {"SYN": True}
    assert flow["source"]["workloads"] == [{"name": "frontend", "kind": "Deployment"}]
    assert "k8s:app=frontend" in flow["source"]["labels"]
    drops = [json.loads(x)["flow"] for x in lines(watched, "hubble observe -t drop -o json")]
    assert {flow["event_type"]["sub_type"] for flow in drops} == {133}
    assert {flow["drop_reason_desc"] for flow in drops} == {"POLICY_DENIED"}


def test_dict_and_table(watched):
    found = lines(watched, "hubble observe -t drop -o dict")
    assert [line[:13] for line in found[:7]] == [
        "  TIMESTAMP: ",
        "     SOURCE: ",
        "DESTINATION: ",
        "       TYPE: ",
        "    VERDICT: ",
        "    SUMMARY: ",
        "------------",
    ]
    table = lines(watched, "hubble observe -t drop -o table")
    assert re.fullmatch(r"TIMESTAMP {13}SOURCE +DESTINATION +TYPE {12}VERDICT   SUMMARY", table[0])
    assert table[1].endswith("   Policy denied   DROPPED   TCP Flags: SYN")


FILTERS = {
    "--pod frontend": lambda flow: "frontend" in flow,
    "--from-pod default/frontend --to-pod backend": lambda flow: "frontend" in flow,
    "-n kube-system": lambda flow: "kube-system" in flow,
    "--not -n kube-system": lambda flow: "kube-system" not in flow,
    "--protocol udp": lambda flow: flow.endswith("(UDP)"),
    "--label app=backend": lambda flow: "backend" in flow,
    "-t trace:to-endpoint": lambda flow: "to-endpoint" in flow,
    "--verdict DROPPED --verdict FORWARDED --port 8080": lambda flow: ":8080" in flow,
}


@pytest.mark.parametrize(("flags", "matches"), FILTERS.items())
def test_filters(watched, flags, matches):
    every = lines(watched, "hubble observe --all")
    found = lines(watched, f"hubble observe --all {flags}")
    assert found
    assert len(found) < len(every)
    assert set(found) <= set(every)
    assert all(matches(line) for line in found)


def test_how_many(watched):
    every = lines(watched, "hubble observe --all")
    assert lines(watched, "hubble observe --last 3") == every[-3:]
    assert lines(watched, "hubble observe --first 2") == every[:2]
    assert lines(watched, "hubble observe") == every[-20:]
    assert lines(watched, "hubble observe --since 1h") == every
    watched.run("sleep 60")
    assert lines(watched, "hubble observe --since 30s") == []


def test_other_forms(watched):
    (line,) = lines(watched, "hubble observe --last 1 --print-node-name --numeric")
    assert re.match(rf"{STAMP} \[minik8s-worker2?\]: 10\.244\.", line)
    (line,) = lines(watched, "hubble observe --last 1 --time-format RFC3339")
    assert re.match(r"2026-03-08T\d\d:\d\d:\d\d\.\d{3}Z: ", line)
    (line,) = lines(watched, "hubble observe --last 1 -t policy-verdict --print-policy-names")
    assert "ALLOWED BY backend-ingress-allow-frontend (NetworkPolicy)" in line
    assert "\x1b[36m" in watched.run("hubble observe --last 1 --color always").stdout


def test_status(watched):
    found = lines(watched, "hubble status")
    assert found[0] == "Healthcheck (via localhost:4245): Ok"
    assert re.fullmatch(r"Current/Max Flows: \d+/12,285 \(\d+\.\d\d%\)", found[1])
    assert re.fullmatch(r"Flows/s: \d+\.\d\d", found[2])
    assert found[3] == "Connected Nodes: 3/3"


def test_follow_in_the_background(watched):
    started = watched.run("hubble observe --server localhost:4245 -f -n default &")
    assert started.output == "Handling connection for 4245\n"
    result = watched.run("kubectl exec -ti deploy/frontend -- curl -I backend:8080 | head -1")
    first, *rest = result.output.splitlines()
    assert first.strip() == "HTTP/1.1 200 OK"
    assert any("policy-verdict:L3-Only INGRESS ALLOWED" in line for line in rest)
    assert watched.run("kubectl get ns -o name | head -1").output == "namespace/default\n"
    watched.run("kill %2")
    silent = watched.run("kubectl exec -ti deploy/frontend -- curl -I backend:8080 | head -1")
    assert silent.output.count("\n") == 1


def test_follow_in_a_script_gives_what_has_flowed(watched):
    found = lines(watched, "hubble observe --server localhost:4245 -f -n default")
    assert any("policy-verdict" in line for line in found)


REFUSED = (
    'rpc error: code = Unavailable desc = connection error: desc = "transport: Error while '
    'dialing: dial tcp 127.0.0.1:4245: connect: connection refused"\n'
)


def test_without_the_port_forward(laptop):
    observe = laptop.run("hubble observe --server localhost:4245 -f -n default")
    assert (observe.stderr, observe.exit_code) == (REFUSED, 1)
    status = laptop.run("hubble status")
    assert (status.stderr, status.exit_code) == ("failed getting status: " + REFUSED, 1)
    direct = laptop.run("hubble observe -P")
    assert direct.stderr == (
        'failed to port forward: failed to get service "hubble-relay": '
        'services "hubble-relay" not found\n'
    )


def test_a_port_that_leads_elsewhere(laptop):
    laptop.run("kubectl create -f tutorial/demo-app.yaml")
    laptop.run("kubectl port-forward deployment/backend 4245:8080 &")
    assert laptop.run("hubble status").exit_code == 1


def test_the_forward_can_be_taken_away(watched):
    watched.run("kill %1")
    assert watched.run("hubble status").exit_code == 1


ERRORS = {
    "hubble observe --verdict dropped": (
        'invalid argument "dropped" for "--verdict" flag: invalid --verdict value: dropped'
    ),
    "hubble observe -f -o table": "table output format is not compatible with follow mode",
    "hubble observe -o foo": "invalid output format: foo",
    "hubble observe --protocol foo": 'invalid protocol filter: unknown protocol: "foo"',
    "hubble observe --since xyz": ("failed to parse the since time: failed to convert xyz to time"),
    "hubble observe --first 1 --last 1": "cannot set both --first and --last",
    "hubble observe --pod": "flag needs an argument: --pod",
    "hubble observe --foo": "unknown flag: --foo",
    "hubble foo": 'unknown command "foo" for "hubble"',
}


@pytest.mark.parametrize(("command", "message"), ERRORS.items())
def test_errors(laptop, command, message):
    result = laptop.run(command)
    assert (result.stdout, result.stderr, result.exit_code) == ("", message + "\n", 1)


def test_version(laptop):
    assert re.fullmatch(
        r"hubble v1\.19\.4@HEAD-[0-9a-f]{7} compiled with go[\d.]+ on linux/amd64\n",
        laptop.run("hubble version").stdout,
    )
