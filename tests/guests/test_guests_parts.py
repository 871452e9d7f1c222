"""The parts that programs are made of: HTTP messages, options, URLs, logs, waiting."""

from __future__ import annotations

from typing import Any

import pytest
from guests_world import World, demo
from hypothesis import given
from hypothesis import strategies as st

from minik8s.guests.base import (
    Accept,
    Connect,
    FirstOf,
    Forever,
    Input,
    Interrupted,
    Listen,
    Process,
    Program,
    ReadInput,
    Receive,
    Sleep,
    Steps,
    WaitsForEver,
)
from minik8s.guests.connecting import Attempts
from minik8s.guests.container import Log
from minik8s.guests.curl_meter import (
    NEW,
    amount_text,
    clock_text,
    wide_amount_text,
    wide_clock_text,
)
from minik8s.guests.curl_options import Parser, UsageError
from minik8s.guests.http import MalformedMessage, Request, Response, ResponseReader, parse_request
from minik8s.guests.options import OptionError, getopt, option_value
from minik8s.guests.paused import Paused
from minik8s.guests.urls import MalformedUrl, expand_globs, parse_url
from minik8s.runtime.processes import Task, run_now

# -- HTTP

BODIES = st.binary(max_size=60)


@st.composite
def responses(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A response on the wire and its body, with a length, in chunks, or up to the end."""
    body = draw(BODIES)
    kind = draw(st.sampled_from(["length", "chunks", "end"]))
    if kind == "length":
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        return head + body, body
    if kind == "end":
        return b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\n" + body, body
    wire = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    rest = body
    while rest:
        size = draw(st.integers(1, len(rest)))
        wire += f"{size:x}\r\n".encode() + rest[:size] + b"\r\n"
        rest = rest[size:]
    return wire + b"0\r\n\r\n", body


@given(responses(), st.lists(st.integers(1, 20), max_size=30))
def test_a_response_is_read_the_same_in_any_pieces(
    response: tuple[bytes, bytes], sizes: list[int]
) -> None:
    wire, body = response
    reader, read, rest = ResponseReader(), b"", wire
    for size in [*sizes, len(wire)]:
        piece, rest = rest[:size], rest[size:]
        read += reader.feed(piece)
    assert read == body
    assert reader.end()
    assert reader.status == 200


@given(st.binary(max_size=40), st.sampled_from(["GET", "POST", "HEAD"]))
def test_a_request_survives_the_wire(body: bytes, method: str) -> None:
    headers = [("Host", "x"), ("Content-Length", str(len(body)))]
    request = Request(method, "/a?b=c", headers=headers, body=body)
    wire = request.encode()
    for end in range(len(wire)):
        assert parse_request(wire[:end]) is None
    assert parse_request(wire + b"next") == (request, b"next")


@pytest.mark.parametrize(
    "data", [b"GET /\r\n\r\n", b"a b c\r\n\r\n", b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n"]
)
def test_malformed_requests(data: bytes) -> None:
    with pytest.raises(MalformedMessage):
        parse_request(data)


@given(st.binary(max_size=100))
def test_any_bytes_are_a_request_or_none(data: bytes) -> None:
    try:
        parsed = parse_request(data)
    except MalformedMessage:
        return
    assert parsed is None or parsed[0].version.startswith("HTTP/")


def test_bare_line_feeds_will_do() -> None:
    reader = ResponseReader()
    assert reader.feed(b"HTTP/1.1 200 OK\nA: b\n\nhi") == b"hi"
    assert reader.headers == [("A", "b")]


def test_no_body_after_head_and_204() -> None:
    head = ResponseReader(head_only=True)
    head.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
    assert head.complete
    assert head.keeps_alive
    empty = ResponseReader()
    empty.feed(b"HTTP/1.1 204 No Content\r\n\r\n")
    assert empty.complete
    with pytest.raises(MalformedMessage):
        ResponseReader().feed(b"SSH-2.0-x\r\n")
    assert Response(204).encode() == b"HTTP/1.1 204 No Content\r\n\r\n"


# -- command lines


def test_getopt() -> None:
    assert getopt(["-c1", "host", "-qv"], "c:qv") == ([("c", "1"), ("q", ""), ("v", "")], ["host"])
    assert getopt(["-c", "1", "--", "-q"], "c:q") == ([("c", "1")], ["-q"])
    assert getopt(["a", "-q"], "q", permute=False) == ([], ["a", "-q"])
    assert getopt(["--name=x", "--na", "y"], "", ["name="]) == ([("name", "x"), ("name", "y")], [])
    for arguments, text in ((["-x"], "invalid option -- 'x'"), (["-c"], "argument -- 'c'")):
        with pytest.raises(OptionError) as caught:
            getopt(arguments, "c:")
        assert text in caught.value.gnu
    with pytest.raises(OptionError) as caught:
        getopt(["--x"], "", ["name="])
    assert caught.value.busybox == "unrecognized option: x"


def test_flags_of_go() -> None:
    assert option_value(["-port=1"], "port") == "1"
    assert option_value(["--port", "2"], "port") == "2"
    assert option_value(["--tcp", "--port", "2"], "tcp") == "true"
    assert option_value(["port"], "port") is None


def curl(*arguments: str) -> Any:
    return Parser(list(arguments), lambda _: b"from a file\r\n").parse()


def test_curls_options() -> None:
    settings = curl("-sSfLkm5", "-Hname: v", "--connect-timeout", "2", "-I", "--", "-x")
    assert settings.silent
    assert settings.max_time == 5
    assert settings.headers == ["name: v"]
    assert settings.urls == ["-x"]


def test_curls_options_again() -> None:
    settings = curl("-sS", "-m", "5", "-o", "a", "u1", "-O", "u2", "-d", "@f", "-d", "x", "--head")
    assert settings.outputs == ["a", ""]
    assert settings.data == [b"from a file", b"x"]
    assert settings.head
    assert settings.urls == ["u1", "u2"]
    assert curl("--no-progress-meter").no_meter
    assert curl("--resolve", "h:80:1.2.3.4,::1").resolve == {("h", "80"): ["1.2.3.4", "::1"]}
    assert curl("--max-redirs", "-1").max_redirects == -1


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--bogus"], "option --bogus: is unknown"),
        (["-y"], "option -y: requires parameter"),
        (["-sm"], "option -m: requires parameter"),
        (["-m", "x"], "option -m: expected a proper numerical parameter"),
        (["--connect-timeout", "-1"], "expected a positive numerical parameter"),
        (["-x", "proxy:1"], "the installed libcurl version doesn't support this"),
        (["--re"], "is ambiguous"),
    ],
)
def test_what_curl_refuses(arguments: list[str], text: str) -> None:
    with pytest.raises(UsageError, match=text):
        curl(*arguments)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("backend:8080", "http://backend:8080/"),
        ("http://a/b?c#d", "http://a/b?c"),
        ("https://a:443/", "https://a/"),
        ("a?x=1", "http://a/?x=1"),
        ("[fd00::1]:80/x", "http://[fd00::1]/x"),
        ("http://me:pw@a:81/", "http://a:81/"),
    ],
)
def test_urls(text: str, url: str) -> None:
    assert str(parse_url(text)) == url


@pytest.mark.parametrize("text", ["", "http://", "http://a b/", "a:99999", "http://[::1/", ":80"])
def test_what_is_no_url(text: str) -> None:
    with pytest.raises(MalformedUrl):
        parse_url(text)


def test_globs() -> None:
    assert list(expand_globs("a[08-10]")) == ["a08", "a09", "a10"]
    assert list(expand_globs("[a-c]x")) == ["ax", "bx", "cx"]
    assert list(expand_globs("plain")) == ["plain"]


def test_the_meters_columns() -> None:
    assert [amount_text(n) for n in (0, 99999, 100000, 10240000)] == [
        "    0", "99999", "  97k", " 9.8M",
    ]  # fmt: skip
    assert [clock_text(n) for n in (0, 59, 3661, 400000)] == [
        "--:--:--", " 0:00:59", " 1:01:01", "  4d 15h",
    ]  # fmt: skip


def test_the_newer_meter() -> None:
    """Rows as published transcripts of curl 8.18 to 8.21 show them."""
    row = NEW.row.format(
        *(100, wide_amount_text(615), 100, wide_amount_text(615), 0, wide_amount_text(0)),
        *(wide_amount_text(73732), wide_amount_text(0), *[wide_clock_text(0)] * 3),
        wide_amount_text(0),
    )
    assert row == "\r100    615 100    615   0      0  73732      0" + " " * 30 + "0"
    two = " ".join([wide_clock_text(2), wide_clock_text(2), wide_clock_text(0), "     0"])
    assert two == "  00:02   00:02              0"


# -- logs and input


def test_a_log_keeps_lines_with_their_moments() -> None:
    log = Log(limit=2)
    log.write(1.0, b"a")
    log.write(2.0, b"b\nc\nd")
    assert list(log.lines()) == [(1.0, b"ab"), (2.0, b"c")]
    assert log.partial() == (2.0, b"d")
    log.write(3.0, b"\n")
    assert list(log.lines()) == [(2.0, b"c"), (2.0, b"d")]
    assert len(log) == 3
    assert list(log.lines(skip=2)) == [(2.0, b"d")]


def test_input() -> None:
    stdin = Input()
    assert stdin.take() is None
    stdin.feed(b"a")
    stdin.feed(b"b")
    assert stdin.take() == b"ab"
    stdin.end_of_file()
    assert (stdin.take(), stdin.take()) == (b"", None)
    stdin.close()
    assert (stdin.take(), stdin.take()) == (b"", b"")


# -- waiting


def process_in(world: World, **options: Any) -> Process:
    container = world.containers.container("default", "frontend", "main")
    return Process(
        ["test"], container, world.clock, lambda _stream, _data: None, run_now, **options
    )


def run_program(world: World, program: Program, **options: Any) -> Task:
    task = Task(process_in(world, **options), program)
    task.start()
    return task


def test_the_first_of_several() -> None:
    world = demo()
    seen: list[Any] = []

    def program(process: Process) -> Steps[int]:
        connection = yield Connect("TCP", "10.96.105.101", 8080)
        seen.append((yield FirstOf((Receive(connection), ReadInput(process.stdin)), 2.0)))
        process.stdin.feed(b"x")
        seen.append((yield FirstOf((Receive(connection), ReadInput(process.stdin)), 2.0)))
        seen.append((yield Receive(connection, 0.0)))
        return 7

    start = world.clock.now
    task = run_program(world, program, stdin=Input())
    assert task.finish()
    assert task.exit_code == 7
    assert seen == [None, (1, b"x"), None]
    assert world.clock.now - start == pytest.approx(2, abs=0.01)


def test_a_signal_can_be_caught_once() -> None:
    world = demo()

    def program(_process: Process) -> Steps[int]:
        try:
            yield Forever()
        except Interrupted:
            yield Sleep(1)
        return 3

    task = run_program(world, program)
    assert not task.finish()
    task.interrupt("SIGINT")
    assert task.exit_code is None
    assert task.finish()
    assert task.exit_code == 3


@pytest.mark.parametrize(("signal", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGKILL", 137)])
def test_signals_end_programs(signal: Any, code: int) -> None:
    ended: list[int] = []

    def program(_process: Process) -> Steps[int]:
        yield Sleep(100)
        return 0

    task = Task(process_in(demo()), program, ended.append)
    task.start()
    task.interrupt(signal)
    task.interrupt(signal)
    assert (task.exit_code, ended) == (code, [code])


def test_what_a_program_leaves_open_is_closed() -> None:
    world = demo()

    def program(_process: Process) -> Steps[int]:
        yield Listen("TCP", 9000)
        yield Connect("TCP", "10.96.105.101", 8080)
        return 0

    host = world.network.pod_host("default", "frontend")
    assert run_program(world, program).finish()
    assert host.listeners == []
    world.clock.advance(200)
    assert host.connections == []


def test_nobody_waits_for_what_nobody_does() -> None:
    world = demo()

    def program(_process: Process) -> Steps[int]:
        listener = yield Listen("TCP", 9000)
        yield Accept(listener)
        return 0

    assert run_now(process_in(world), program) == 130
    with pytest.raises(WaitsForEver):
        run_now(process_in(world, background=True), program)
    before = world.clock.now
    assert run_now(process_in(world), program, deadline=before + 3) == 124
    assert world.clock.now == before + 3


def test_a_bad_argument_is_the_programs_failure() -> None:
    world = demo()
    world.pod("p", "agnhost", args=["netexec", "--http-port=many"])
    assert world.codes == {"main": 1}
    assert b"many" in world.containers.log_lines("default", "p", "main")[-1][1]


def test_a_part_can_be_left_and_taken_up_again() -> None:
    world = demo()
    moments: list[float] = []

    def part() -> Steps[str]:
        yield Sleep(2)
        moments.append(world.clock.now)
        connection = yield Connect("TCP", "10.244.9.9", 80, 3)
        moments.append(world.clock.now)
        return str(connection.state)

    def program(process: Process) -> Steps[int]:
        paused = Paused(part(), process.clock)
        start = process.clock.now
        for until in (1, 1.5, 4):
            assert not (yield from paused.until(start + until))
            assert process.clock.now == pytest.approx(start + until)
        assert (yield from paused.until(None))
        assert paused.result == "connecting"
        assert [moment - start for moment in moments] == pytest.approx([2, 5])
        return 0

    assert run_program(world, program).finish()
    syns = [trace for trace in world.network.traces if trace.packet.destination == "10.244.9.9"]
    assert [round(trace.time - syns[0].time) for trace in syns] == [0, 1, 2]


def test_the_family_that_answers_wins() -> None:
    world = demo()
    found: list[Any] = []

    def program(process: Process) -> Steps[int]:
        deadline = process.clock.now + 10
        attempts = Attempts(process, ["fd00::1", "10.96.105.101"], 8080, deadline)
        found.append((yield from attempts.until(deadline)))
        found.append(attempts.connection)
        return 0

    start = world.clock.now
    run_program(world, program).finish()
    assert found[0] is True
    assert found[1].remote == ("10.96.105.101", 8080)
    assert world.clock.now - start < 0.3
