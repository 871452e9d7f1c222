"""DNS: messages against bytes written by hand, the zone against specification and kernel."""

from __future__ import annotations

import re
from functools import cache
from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st
from network_worlds import (
    BACKEND_IP,
    World,
    endpoint_slice,
    kernel_world,
    namespace,
    observations,
    observed,
    service,
)

from minik8s.network.dns import (
    AAAA,
    CNAME,
    FORMERR,
    NOERROR,
    NOTIMP,
    NS,
    NXDOMAIN,
    PTR,
    RCODE_NAMES,
    SOA,
    SRV,
    TXT,
    TYPE_NAMES,
    A,
    Message,
    Question,
    Record,
    Soa,
    Srv,
    decode,
    encode,
    query,
)
from minik8s.network.dnsserver import respond
from minik8s.network.zone import reverse_name, reversed_address

TYPES = {name: number for number, name in TYPE_NAMES.items()}
BIG = [(f"10.244.9.{number}", "node") for number in range(1, 61)]


def world() -> World:
    """The kernel's cluster, with Services of every form."""
    headless = service("default/db", "None", 5432)
    named = endpoint_slice("default/db", 5432, ("10.244.0.9", "node"), port_name="pg")
    named["endpoints"].append(
        {"addresses": ["10.244.0.10"], "hostname": "db-1", "conditions": {"ready": True}}
    )
    named["endpoints"].append(
        {"addresses": ["10.244.0.11"], "hostname": "db-2", "conditions": {"ready": False}}
    )
    two = service("default/two", "10.96.0.60", 80)
    two["spec"]["ports"] = [
        {"name": "http", "port": 80, "protocol": "TCP"},
        {"name": "dns", "port": 53, "protocol": "UDP"},
    ]
    dual = service("default/dual", "10.96.0.61", 80)
    dual["spec"]["clusterIPs"] = ["10.96.0.61", "fd00:96::61"]
    alias = service("default/alias", "", 80)
    alias["spec"] = {"type": "ExternalName", "externalName": "kubernetes.io"}
    inner = service("default/inner", "", 80)
    inner["spec"] = {
        "type": "ExternalName",
        "externalName": "backend.default.svc.cluster.local",
    }
    empty = service("default/void", "None", 80)
    big = service("default/big", "None", 80)
    return kernel_world(
        namespace("shop"),
        headless,
        named,
        two,
        dual,
        alias,
        inner,
        empty,
        big,
        endpoint_slice("default/big", 80, *BIG),
        service("kube-system/kube-dns", "10.96.0.10", 53, protocol="UDP"),
    )


def ask(
    target: World, name: str, kind: int, transport="udp", *, edns: int | None = None
) -> Message:
    return decode(target.network.zone.answer(query(7, name, kind, edns=edns), transport))


def data(message: Message) -> list:
    return [record.data for record in message.answers]


def test_the_bytes_of_a_query_are_the_standards() -> None:
    # RFC 1035 section 4.1: header, then the question with its labels
    assert query(0x9B43, "backend.", A) == bytes.fromhex(
        "9b43 0100 0001 0000 0000 0000 07 6261636b656e64 00 0001 0001"
    )
    # with EDNS: an OPT record with the payload size as its class (RFC 6891 section 6.1.2)
    assert query(1, "a", AAAA, edns=1232).hex() == (
        "0001010000010000000000010161" + "00001c0001" + "0000" + "2904d0000000000000"
    )


def test_a_response_with_compressed_names_is_read() -> None:
    # www.example.com CNAME example.com, A 93.184.215.14, written by hand with two pointers
    raw = bytes.fromhex(
        "1234 8180 0001 0002 0000 0000"
        "03777777 076578616d706c65 03636f6d 00 0001 0001"
        "c00c 0005 0001 0000001e 0002 c010"
        "c010 0001 0001 0000001e 0004 5db8d70e"
    )
    message = decode(raw)
    assert message.answers == (
        Record("www.example.com", CNAME, 30, "example.com"),
        Record("example.com", A, 30, "93.184.215.14"),
    )
    assert message.flags == ("qr", "rd", "ra")
    assert encode(message) == raw


labels = st.from_regex(r"[a-z_][a-z0-9-]{0,12}", fullmatch=True)
names = st.lists(labels, min_size=1, max_size=6).map(".".join)
records = st.one_of(
    st.builds(Record, names, st.just(A), st.integers(0, 9999), st.ip_addresses(v=4).map(str)),
    st.builds(Record, names, st.just(AAAA), st.integers(0, 9999), st.ip_addresses(v=6).map(str)),
    st.builds(Record, names, st.sampled_from([CNAME, PTR, NS]), st.integers(0, 9999), names),
    st.builds(
        Record,
        names,
        st.just(SRV),
        st.integers(0, 9999),
        st.builds(Srv, *[st.integers(0, 65535)] * 3, names),
    ),
    st.builds(
        Record,
        names,
        st.just(SOA),
        st.just(30),
        st.builds(Soa, names, names, *[st.integers(0, 2**32 - 1)] * 5),
    ),
)


@given(
    st.integers(0, 65535),
    st.lists(records, max_size=8).map(tuple),
    names,
    st.sampled_from([None, 512, 1232]),
)
def test_messages_survive_their_bytes(number, answers, name, edns) -> None:
    message = Message(
        number, response=True, questions=(Question(name, A),), answers=answers, edns=edns
    )
    assert decode(encode(message)) == message


@given(st.binary(max_size=80))
def test_rubbish_gets_no_answer_or_a_format_error(raw) -> None:
    answer = respond(raw, "udp", world_lookup)
    if answer:
        assert decode(answer).rcode in (FORMERR, NOTIMP, NOERROR, NXDOMAIN)


@cache
def plain() -> World:
    return kernel_world()


def world_lookup(question):
    return plain().network.zone.lookup(question)


@pytest.mark.parametrize("cut", range(1, 25))
def test_a_query_that_is_cut_off_is_malformed(cut: int) -> None:
    raw = query(5, "backend", A)[:-cut]
    answer = respond(raw, "udp", world_lookup)
    assert answer == b"" if len(raw) < 12 else decode(answer).rcode == FORMERR


def kernel_answers() -> list[str]:
    """Every response of the kernel's DNS server that was recorded (dnsmasq)."""
    found = set()
    for row in observations():
        if row["section"] in ("p", "mq"):
            for line in row.get("packets", ()):
                if " R id=" in line:
                    found.add(re.sub(r"^.* R id=\w+ ", "", line))
    return sorted(found)


@pytest.mark.parametrize("line", kernel_answers())
def test_the_zone_answers_as_the_kernels_server_did(line: str) -> None:
    match = re.fullmatch(r"(A|AAAA) (\S+) rcode=(\w+) an=(\d+)( TC)?", line)
    assert match
    kind, name, rcode, number, truncated = match.groups()
    transport = "tcp" if int(number) == 60 else "udp"
    message = ask(world(), name, TYPES[kind], transport)
    assert RCODE_NAMES[message.rcode] == rcode
    assert len(message.answers) == int(number)
    assert message.truncated == bool(truncated)


def test_truncation_depends_on_the_size_that_the_client_takes() -> None:
    target = world()
    assert observed("m2")["stdout"].count("60 answer lines") == 1
    whole = ask(target, "big.default.svc.cluster.local", A, edns=1232)
    assert (len(whole.answers), whole.truncated) == (60, False)
    small = ask(target, "big.default.svc.cluster.local", A, edns=600)
    assert 29 < len(small.answers) < 60
    assert small.truncated
    assert len(encode(small)) <= 600
    assert sorted(data(whole)) == sorted(address for address, _ in BIG)


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("backend.default.svc.cluster.local", A, [BACKEND_IP]),
        ("BACKEND.default.SVC.cluster.local.", A, [BACKEND_IP]),
        ("dual.default.svc.cluster.local", A, ["10.96.0.61"]),
        ("dual.default.svc.cluster.local", AAAA, ["fd00:96::61"]),
        ("db.default.svc.cluster.local", A, ["10.244.0.10", "10.244.0.9"]),
        ("db-1.db.default.svc.cluster.local", A, ["10.244.0.10"]),
        ("10-244-0-9.db.default.svc.cluster.local", A, ["10.244.0.9"]),
        ("10-244-0-5.default.pod.cluster.local", A, ["10.244.0.5"]),
        ("fd00--5.default.pod.cluster.local", AAAA, ["fd00::5"]),
        ("10.0.96.10.in-addr.arpa", PTR, ["kube-dns.kube-system.svc.cluster.local"]),
        ("9.0.244.10.in-addr.arpa", PTR, ["10-244-0-9.db.default.svc.cluster.local"]),
        ("dns-version.cluster.local", TXT, ["1.1.0"]),
        ("cluster.local", NS, ["ns.dns.cluster.local"]),
        ("ns.dns.cluster.local", A, ["10.96.0.10"]),
        ("alias.default.svc.cluster.local", CNAME, ["kubernetes.io"]),
        ("alias.default.svc.cluster.local", A, ["34.107.204.206", "kubernetes.io"]),
        (
            "inner.default.svc.cluster.local",
            A,
            [BACKEND_IP, "backend.default.svc.cluster.local"],
        ),
        ("kubernetes.io", A, ["34.107.204.206"]),
        ("www.example.com", A, ["93.184.215.14", "example.com"]),
        ("_http._tcp.two.default.svc.cluster.local", SRV, [80]),
        ("_dns._udp.two.default.svc.cluster.local", SRV, [53]),
        ("two.default.svc.cluster.local", SRV, [53, 80]),
        ("_pg._tcp.db.default.svc.cluster.local", SRV, [5432, 5432]),
    ],
)
def test_answers(name: str, kind: int, expected: list) -> None:
    message = ask(world(), name, kind)
    assert message.rcode == NOERROR
    got = [each.port if isinstance(each, Srv) else each for each in data(message)]
    assert sorted(got) == expected


@pytest.mark.parametrize(
    ("name", "kind", "rcode"),
    [
        ("backend.default.svc.cluster.local", AAAA, NOERROR),
        ("backend.default.svc.cluster.local", TXT, NOERROR),
        ("default.svc.cluster.local", A, NOERROR),
        ("shop.svc.cluster.local", A, NOERROR),
        ("svc.cluster.local", A, NOERROR),
        ("cluster.local", A, NOERROR),
        ("kubernetes.io", AAAA, NOERROR),
        ("nosuch.svc.cluster.local", A, NXDOMAIN),
        ("nosuch.default.svc.cluster.local", A, NXDOMAIN),
        ("void.default.svc.cluster.local", A, NXDOMAIN),
        ("db-2.db.default.svc.cluster.local", A, NXDOMAIN),
        ("_ftp._tcp.two.default.svc.cluster.local", SRV, NXDOMAIN),
        ("a.b.backend.default.svc.cluster.local", A, NXDOMAIN),
        ("nonsense.default.pod.cluster.local", A, NXDOMAIN),
        ("x.cluster.local", A, NXDOMAIN),
        ("notcluster.local", A, NXDOMAIN),
        ("99.0.244.10.in-addr.arpa", PTR, NXDOMAIN),
        ("nosuch", A, NXDOMAIN),
    ],
)
def test_a_name_without_records_is_not_a_name_that_does_not_exist(
    name: str, kind: int, rcode: int
) -> None:
    message = ask(world(), name, kind)
    assert message.rcode == rcode
    assert message.answers == ()
    assert [record.type for record in message.authority] == [SOA]


def test_srv_records_carry_targets_and_their_addresses() -> None:
    message = ask(world(), "_pg._tcp.db.default.svc.cluster.local", SRV)
    assert {(each.weight, each.port, each.target) for each in data(message)} == {
        (50, 5432, "10-244-0-9.db.default.svc.cluster.local"),
        (50, 5432, "db-1.db.default.svc.cluster.local"),
    }
    assert {(each.name, each.data) for each in message.additional} == {
        ("10-244-0-9.db.default.svc.cluster.local", "10.244.0.9"),
        ("db-1.db.default.svc.cluster.local", "10.244.0.10"),
    }


def test_flags_tell_whose_answer_it_is() -> None:
    own = ask(world(), "backend.default.svc.cluster.local", A)
    assert own.flags == ("qr", "aa", "rd")
    assert ask(world(), "kubernetes.io", A).flags == ("qr", "rd", "ra")
    assert {record.ttl for record in own.answers} == {30}


def test_the_zone_follows_the_store() -> None:
    target = world()
    assert ask(target, "late.default.svc.cluster.local", A).rcode == NXDOMAIN
    target.load(service("default/late", "10.96.0.99", 80))
    assert data(ask(target, "late.default.svc.cluster.local", A)) == ["10.96.0.99"]


@given(st.ip_addresses().map(str))
def test_reverse_names_and_back(address: str) -> None:
    assert reversed_address(reverse_name(address)) == str(ip_address(address))


def test_a_public_dns_server_answers_over_udp_and_tcp() -> None:
    target = world()
    socket = target.pod("frontend").datagram(clock=target.clock)
    socket.connect("8.8.8.8", 53)
    socket.send(query(9, "example.com", A))
    target.clock.advance(0.1)
    datagram = socket.receive()
    assert datagram is not None
    assert data(decode(datagram.data)) == ["93.184.215.14"]
    connection = target.connect("frontend", "8.8.8.8", 53)
    message = query(10, "example.com", AAAA)
    connection.send(len(message).to_bytes(2, "big") + message)
    target.clock.advance(0.1)
    answer = connection.receive()
    assert data(decode(answer[2:])) == ["2606:2800:21f:cb07:6820:80da:af6b:8b2c"]
    connection.close()
