"""Databases and other servers that speak no HTTP: enough of each to be reached and known."""

from __future__ import annotations

from collections.abc import Callable

from minik8s.guests.addresses import with_port
from minik8s.guests.base import Bind, Close, Connect, Forever, Listen, Process, Receive, Send, Steps
from minik8s.guests.errors import failure, strerror
from minik8s.guests.options import option_value
from minik8s.guests.resolver import lookup
from minik8s.network import Connection, Listener

Answerer = Callable[[bytes], tuple[bytes, bytes, bool]]
"""Takes what has come in: the answer, the bytes left over, and whether to hang up."""


def _serve(
    process: Process, port: int, make: Callable[[], Answerer], greeting: bytes = b""
) -> Steps[bool]:
    """Listen on a port; `make` gives each connection an answerer of its own."""
    listener: Listener | None = yield Listen("TCP", port)
    if listener is None:
        process.err(f"bind: {strerror('in use', process.container.image.libc)}\n")
        return False

    def accept() -> None:
        while (connection := listener.accept()) is not None:
            _Talk(connection, make(), greeting)

    listener.wake = accept
    return True


class _Talk:
    """One connection of a server."""

    __slots__ = ("_answer", "_connection", "_data")

    def __init__(self, connection: Connection, answer: Answerer, greeting: bytes) -> None:
        self._connection = connection
        self._answer = answer
        self._data = b""
        if greeting:
            connection.send(greeting)
        connection.wake = self._wake
        self._wake()

    def _wake(self) -> None:
        self._data += self._connection.receive()
        hang_up = False
        if self._data:
            reply, self._data, hang_up = self._answer(self._data)
            if reply:
                self._connection.send(reply)
        if hang_up or self._connection.eof:
            self._connection.wake = None
            self._connection.close()


def _silent(_data: bytes) -> tuple[bytes, bytes, bool]:
    return b"", b"", False


# -- any port


def port_server(process: Process) -> Steps[int]:
    """Listen on the image's ports and on those that the pod declares; answers nothing."""
    ports = dict.fromkeys((*process.container.image.ports, *process.container.ports))
    for protocol, port in ports:
        if protocol == "UDP":
            yield Bind(port)
        elif protocol == "SCTP":
            yield Listen("SCTP", port)
        elif not (yield from _serve(process, port, lambda: _silent)):
            return 1
    yield Forever()
    return 0


# -- Redis


class _Redis:
    """The keys of one Redis, and its commands as RESP (redis.io/docs/reference/protocol-spec)."""

    def __init__(self, password: str) -> None:
        self.data: dict[str, str] = {}
        self.password = password

    def session(self) -> Answerer:
        """An answerer for one connection."""
        allowed = [not self.password]

        def answer(data: bytes) -> tuple[bytes, bytes, bool]:
            reply = b""
            while data:
                parsed = _parse_resp(data)
                if parsed is None:
                    break
                words, data = parsed
                if words:
                    reply += self._run(words, allowed)
                    if words[0].upper() == "QUIT":
                        return reply, b"", True
            return reply, data, False

        return answer

    def _run(self, words: list[str], allowed: list[bool]) -> bytes:
        name, arguments = words[0].upper(), words[1:]
        if name == "AUTH":
            allowed[0] = arguments[-1:] == [self.password]
            wrong = b"-WRONGPASS invalid username-password pair or user is disabled.\r\n"
            return b"+OK\r\n" if allowed[0] else wrong
        if not allowed[0]:
            return b"-NOAUTH Authentication required.\r\n"
        command = _REDIS.get(name)
        if command is None:
            known = "".join(f" '{word}'" for word in arguments)
            return (
                f"-ERR unknown command '{words[0]}', with args beginning with:{known}\r\n".encode()
            )
        smallest, function = command
        if len(arguments) < smallest:
            text = f"-ERR wrong number of arguments for '{name.lower()}' command\r\n"
            return text.encode()
        return function(self.data, arguments)


def _bulk(text: str | None) -> bytes:
    if text is None:
        return b"$-1\r\n"
    data = text.encode()
    return b"$%d\r\n%s\r\n" % (len(data), data)


def _set(data: dict[str, str], words: list[str]) -> bytes:
    data[words[0]] = words[1]
    return b"+OK\r\n"


def _increment(data: dict[str, str], words: list[str]) -> bytes:
    try:
        value = int(data.get(words[0], "0")) + 1
    except ValueError:
        return b"-ERR value is not an integer or out of range\r\n"
    data[words[0]] = str(value)
    return b":%d\r\n" % value


def _delete(data: dict[str, str], words: list[str]) -> bytes:
    return b":%d\r\n" % sum(data.pop(word, None) is not None for word in words)


def _keys(data: dict[str, str], _words: list[str]) -> bytes:
    return b"*%d\r\n" % len(data) + b"".join(_bulk(key) for key in sorted(data))


_INFO = "# Server\r\nredis_version:8.4.0\r\nredis_mode:standalone\r\nos:Linux x86_64\r\n"

_REDIS: dict[str, tuple[int, Callable[[dict[str, str], list[str]], bytes]]] = {
    "COMMAND": (0, lambda _, __: b"*0\r\n"),
    "DBSIZE": (0, lambda data, _: b":%d\r\n" % len(data)),
    "DEL": (1, _delete),
    "ECHO": (1, lambda _, words: _bulk(words[0])),
    "EXISTS": (1, lambda data, words: b":%d\r\n" % sum(word in data for word in words)),
    "GET": (1, lambda data, words: _bulk(data.get(words[0]))),
    "INCR": (1, _increment),
    "INFO": (0, lambda _, __: _bulk(_INFO)),
    "KEYS": (1, _keys),
    "PING": (0, lambda _, words: _bulk(words[0]) if words else b"+PONG\r\n"),
    "QUIT": (0, lambda _, __: b"+OK\r\n"),
    "SELECT": (1, lambda _, __: b"+OK\r\n"),
    "SET": (2, _set),
}


def _parse_resp(data: bytes) -> tuple[list[str], bytes] | None:
    """One command, as an array of strings or as a plain line; None if it is not whole."""
    line, end, rest = data.partition(b"\r\n" if b"\r\n" in data else b"\n")
    if not end:
        return None
    if not line.startswith(b"*"):
        return line.decode(errors="replace").split(), rest
    words = []
    for _ in range(int(line[1:] or b"0")):
        size, end, rest = rest.partition(b"\r\n")
        if not end or len(rest) < int(size[1:]) + 2:
            return None
        length = int(size[1:])
        words.append(rest[:length].decode(errors="replace"))
        rest = rest[length + 2 :]
    return words, rest


def redis(process: Process) -> Steps[int]:
    """redis-server on `--port` (default 6379)."""
    port = int(option_value(process.arguments, "port") or 6379)
    store = _Redis(option_value(process.arguments, "requirepass") or "")
    process.out("1:C * oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo\n")
    if not (yield from _serve(process, port, store.session)):
        return 1
    process.out("1:M * Ready to accept connections tcp\n")
    yield Forever()
    return 0


def redis_cli(process: Process) -> Steps[int]:
    """redis-cli with a command: `-h HOST -p PORT -a PASSWORD COMMAND...`."""
    values = {"-h": "127.0.0.1", "-p": "6379", "-a": ""}
    words = process.arguments
    while words and words[0] in values and len(words) > 1:
        values[words[0]], words = words[1], words[2:]
    host, port = values["-h"], int(values["-p"])
    answer = yield from lookup(process, host)
    if not answer.addresses:
        process.err(f"Could not connect to Redis at {host}:{port}: Name or service not known\n")
        return 1
    connection = yield Connect("TCP", answer.addresses[0], port)
    if connection.state != "established":
        why = strerror(failure(connection), process.container.image.libc)
        process.err(f"Could not connect to Redis at {with_port(host, port)}: {why}\n")
        return 1
    if values["-a"]:
        yield Send(connection, _command(["AUTH", values["-a"]]))
        yield Receive(connection, 5.0)
    yield Send(connection, _command(words or ["PING"]))
    reply = yield Receive(connection, 30.0)
    yield Close(connection)
    process.out(_readable(reply or b""))
    return 1 if (reply or b"").startswith(b"-") else 0


def _command(words: list[str]) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(_bulk(word) for word in words)


def _readable(reply: bytes) -> str:
    text = reply.decode(errors="replace")
    if text.startswith("$-1"):
        return "\n"
    if text.startswith(("+", "-", ":")):
        return text[1:].replace("\r\n", "\n")
    return "\n".join(text.split("\r\n")[1:-1:2] if text[:1] == "*" else text.split("\r\n")[1:])


# -- PostgreSQL, MySQL, memcached


def _postgres_session() -> Answerer:
    """Knows a start-up packet and asks for a password, which never fits."""

    def answer(data: bytes) -> tuple[bytes, bytes, bool]:
        if len(data) < 8:
            return b"", data, False
        if data[4:8] == b"\x04\xd2\x16\x2f":  # SSLRequest: no
            return b"N", data[8:], False
        if data[:1] == b"p":
            text = b"SFATAL\0C28P01\0Mpassword authentication failed\0\0"
            return b"E" + (len(text) + 4).to_bytes(4, "big") + text, b"", True
        return b"R\0\0\0\x08\0\0\0\x03", b"", False

    return answer


def postgres(process: Process) -> Steps[int]:
    """PostgreSQL on port 5432; without a password it refuses to start, as the image does."""
    env = process.env
    if not env.get("POSTGRES_PASSWORD") and env.get("POSTGRES_HOST_AUTH_METHOD") != "trust":
        process.err(
            "Error: Database is uninitialized and superuser password is not specified.\n"
            "       You must specify POSTGRES_PASSWORD to a non-empty value for the\n"
            '       superuser. For example, "-e POSTGRES_PASSWORD=password" on "docker run".\n'
        )
        return 1
    port = int(env.get("PGPORT") or 5432)
    if not (yield from _serve(process, port, _postgres_session)):
        return 1
    process.err(f'LOG:  listening on IPv4 address "0.0.0.0", port {port}\n')
    process.err("LOG:  database system is ready to accept connections\n")
    yield Forever()
    return 0


_MYSQL_GREETING = b"\x0a8.4.7\0" + b"\x08\0\0\0" + b"minik8s!" + b"\0\xff\xff\xff\x02\0\xff\xdf\x15"
_MYSQL_REFUSAL = b"\xff\x15\x04#28000Access denied for user"


def _mysql_session() -> Answerer:
    packet = len(_MYSQL_REFUSAL).to_bytes(3, "little") + b"\x02" + _MYSQL_REFUSAL
    return lambda _data: (packet, b"", True)


def mysql(process: Process) -> Steps[int]:
    """MySQL on port 3306; without a root password it refuses to start, as the image does."""
    needed = ("ROOT_PASSWORD", "ALLOW_EMPTY_PASSWORD", "RANDOM_ROOT_PASSWORD")
    names = [f"{brand}_{name}" for brand in ("MYSQL", "MARIADB") for name in needed]
    if not any(process.env.get(name) for name in names):
        process.err(
            "[ERROR] [Entrypoint]: Database is uninitialized and password option is not specified\n"
            "    You need to specify one of the following as an environment variable:\n"
            "    - MYSQL_ROOT_PASSWORD\n    - MYSQL_ALLOW_EMPTY_PASSWORD\n"
            "    - MYSQL_RANDOM_ROOT_PASSWORD\n"
        )
        return 1
    greeting = len(_MYSQL_GREETING).to_bytes(3, "little") + b"\0" + _MYSQL_GREETING
    if not (yield from _serve(process, 3306, _mysql_session, greeting)):
        return 1
    process.err("mysqld: ready for connections. port: 3306  MySQL Community Server - GPL.\n")
    yield Forever()
    return 0


def _memcached_session() -> Answerer:
    def answer(data: bytes) -> tuple[bytes, bytes, bool]:
        *lines, rest = data.split(b"\r\n")
        reply = b""
        for line in lines:
            word = line.split(b" ")[0].lower()
            if word == b"quit":
                return reply, b"", True
            known = {b"version": b"VERSION 1.6.39\r\n", b"stats": b"END\r\n", b"get": b"END\r\n"}
            reply += known.get(word, b"ERROR\r\n")
        return reply, rest, False

    return answer


def memcached(process: Process) -> Steps[int]:
    """memcached on port 11211."""
    if not (yield from _serve(process, 11211, _memcached_session)):
        return 1
    yield Forever()
    return 0
