"""No command line, no bytes and no script make a program raise an exception."""

from __future__ import annotations

import pytest
from guests_world import World, demo
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

PROGRAMS = {
    "tools": ("curl", "dig", "host", "nslookup", "nc", "ping", "ip", "getent", "ps", "id"),
    "busy": (
        *("wget", "nc", "nslookup", "ping", "hostname", "sleep", "date", "env", "cat", "tail"),
        *("echo", "printenv", "uname"),
    ),
    "deb": ("wget", "bash", "sh", "curl"),
    "agn": ("/agnhost",),
    "cache": ("redis-cli", "redis-server"),
    "py": ("python3",),
}
WORDS = st.sampled_from(
    [
        *("-", "--", "-c", "-l", "-p", "-v", "-z", "-u", "-w", "-x", "-t", "-m", "-I", "-o", "-d"),
        *("-k", "-s", "-n", "-i", "-W", "-q", "-O", "-T", "-S", "-H", "-X", "-e", "-h", "-type=ns"),
        *("0", "1", "-1", "80", "99999", "1e9", "abc", "", " ", "\n", "ü", "a=b", "http://", "://"),
        *("backend", "backend:8080", "10.96.105.101", "::1", "[::1]:80", "nosuch.", "1.2.3.4.5"),
        *("@10.96.0.10", "@nosuch", "+short", "+tcp", "+time=x", "+", "+noall", "--timeout", "1s"),
        *("connect", "netexec", "porter", "serve-hostname", "--port", "--protocol=sctp", "{1,2}"),
        *("[1-3]", "/etc/hosts", "/", "%{http_code}", "echo hi", "exit 3", "hosts", "addr", "set"),
    ]
)
ARGUMENTS = st.lists(st.one_of(WORDS, WORDS, st.text(max_size=6)), max_size=5)


@pytest.fixture(scope="module")
def world() -> World:
    world = demo()
    for name, image in (("tools", "netshoot"), ("busy", "busybox"), ("deb", "buildpack-deps")):
        world.pod(name, image, command=["sleep", "infinity"])
    world.pod("agn", "agnhost")
    world.pod("cache", "redis", command=["sleep", "infinity"])
    world.pod("py", "python", command=["sleep", "infinity"])
    return world


@pytest.mark.parametrize(
    ("pod", "program"), [(pod, program) for pod, names in PROGRAMS.items() for program in names]
)
def test_any_command_line_ends_or_waits(world: World, pod: str, program: str) -> None:
    @settings(
        max_examples=25,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(ARGUMENTS, st.booleans(), st.sampled_from([b"", b"x\n", b"exit\n", b"\0\xff"]))
    def check(arguments: list[str], tty: bool, typed: bytes) -> None:
        session = world.session(pod, program, *arguments, tty=tty, stdin=bool(typed))
        session.write_stdin(typed)
        session.run()
        if session.exit_code is None:
            session.kill()
        assert session.exit_code in range(256)
        for stream, data in session.output():
            assert stream in ((1,) if tty else (1, 2))
            assert b"Traceback" not in data

    check()


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(st.binary(max_size=40), max_size=4))
def test_servers_survive_any_bytes(pieces: list[bytes]) -> None:
    world = _servers()
    for name, port in _PORTS.items():
        host = world.network.pod_host("default", "frontend")
        address = world.network.pod_host("default", name).addresses[0]
        connection = host.connect("TCP", address, port, clock=world.clock)
        world.clock.advance(0.01)
        assert connection.state == "established"
        for piece in pieces:
            connection.send(piece)
            world.clock.advance(0.01)
        connection.close()
        world.clock.advance(0.01)


_PORTS = {"web": 80, "cache": 6379, "db": 5432, "sql": 3306, "mem": 11211, "backend": 8080}
_WORLD: list[World] = []


def _servers() -> World:
    if not _WORLD:
        world = demo()
        env = [{"name": key, "value": "x"} for key in ("POSTGRES_PASSWORD", "MYSQL_ROOT_PASSWORD")]
        images = {"web": "nginx", "cache": "redis", "db": "postgres", "sql": "mysql"}
        for name, image in {**images, "mem": "memcached"}.items():
            world.pod(name, image, env=env)
        _WORLD.append(world)
    return _WORLD[0]
