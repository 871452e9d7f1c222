"""Small programs that need no shell: cat, env, hostname, sleep and their like."""

from __future__ import annotations

import re

from minik8s.bash.dates import date as format_date
from minik8s.bash.tools import uname as system_name
from minik8s.guests.addresses import is_address
from minik8s.guests.base import Forever, Interrupted, LookAgain, Process, ReadInput, Sleep, Steps
from minik8s.guests.options import OptionError, getopt
from minik8s.guests.programs import find_program
from minik8s.guests.resolver import lookup

_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}
_BUSYBOX = "BusyBox v1.37.0 () multi-call binary.\n\n"


def true(_process: Process) -> Steps[int]:
    """Succeed."""
    yield from ()
    return 0


def false(_process: Process) -> Steps[int]:
    """Fail."""
    yield from ()
    return 1


def pause(_process: Process) -> Steps[int]:
    """Wait for ever, as the image `pause` does."""
    yield Forever()
    return 0


def echo(process: Process) -> Steps[int]:
    """Write the arguments; `-n` leaves the line end out, `-e` knows escapes."""
    words = process.arguments
    flags = ""
    while words and re.fullmatch(r"-[neE]+", words[0]):
        flags += words[0][1:]
        words = words[1:]
    text = " ".join(words)
    if "e" in flags:
        text = text.replace("\\n", "\n").replace("\\t", "\t").replace("\\\\", "\\")
    process.out(text + ("" if "n" in flags else "\n"))
    yield from ()
    return 0


def cat(process: Process) -> Steps[int]:
    """Write files, or what comes in, as it comes in."""
    code = 0
    for name in [
        word for word in process.arguments if not re.fullmatch(r"-[uvAeEnstT]+", word)
    ] or (["-"]):
        if name == "-":
            while data := (yield ReadInput(process.stdin)):
                process.out(data)
            continue
        path = process.resolve(name)
        data = process.container.read(path)
        if data is not None:
            process.out(data)
            continue
        code = 1
        folder = process.container.disk.list(path) is not None
        process.err(f"cat: {_complaint(process, name, folder=folder)}\n")
    return code


def _complaint(process: Process, name: str, *, folder: bool) -> str:
    if process.container.image.libc == "musl":
        return "read error: Is a directory" if folder else f"can't open '{name}': {_MISSING}"
    return f"{name}: {'Is a directory' if folder else _MISSING}"


_MISSING = "No such file or directory"


def env(process: Process) -> Steps[int]:
    """Show the environment, or run a program in a changed one."""
    words = process.arguments
    values = dict(process.env)
    while words and words[0].startswith("-"):
        if words[0] in ("-i", "-", "--ignore-environment"):
            values = {}
        elif words[0] == "-u" and len(words) > 1:
            words = words[1:]
            values.pop(words[0], None)
        words = words[1:]
    while words and re.match(r"[A-Za-z_]\w*=", words[0]):
        name, _, value = words[0].partition("=")
        values[name] = value
        words = words[1:]
    if not words:
        process.out("".join(f"{name}={value}\n" for name, value in values.items()))
        return 0
    return (yield from run_program(process, words, values))


def run_program(process: Process, words: list[str], env: dict[str, str]) -> Steps[int]:
    """Run another program of the container in the place of this one."""
    program = find_program(process.container.image, words[0])
    if program is None:
        if process.container.image.libc == "musl":
            process.err(f"{process.name}: can't execute '{words[0]}': {_MISSING}\n")
        else:
            process.err(f"{process.name}: ‘{words[0]}’: {_MISSING}\n")
        return 127
    return (yield from program(process.child(words, own_env=env)))


def entrypoint(process: Process) -> Steps[int]:
    """An image's start script: it runs the command that it is given."""
    words = process.arguments
    if words and words[0].startswith("-"):
        words = [*process.container.image.command, *words]
    if not words:
        words = list(process.container.image.command)
    return (yield from run_program(process, words, dict(process.env)))


def printenv(process: Process) -> Steps[int]:
    """Show the environment, or some of its values."""
    yield from ()
    if not process.arguments:
        process.out("".join(f"{name}={value}\n" for name, value in process.env.items()))
        return 0
    known = [process.env[name] for name in process.arguments if name in process.env]
    process.out("".join(f"{value}\n" for value in known))
    return 0 if len(known) == len(process.arguments) else 1


def hostname(process: Process) -> Steps[int]:
    """The host name; -i its addresses by name, -I all addresses, -f the full name."""
    container = process.container
    letters = "".join(word[1:] for word in process.arguments if word.startswith("-"))
    if "I" in letters:
        process.out(" ".join([*process.host.addresses, ""]) + "\n")
    elif "i" in letters:
        answer = yield from lookup(process, container.hostname)
        if not answer.addresses:
            process.err("hostname: Name or service not known\n")
            return 1
        process.out(" ".join(answer.addresses) + "\n")
    elif "f" in letters or "d" in letters:
        full = _full_name(process)
        process.out((full if "f" in letters else full.partition(".")[2]) + "\n")
    elif any(not word.startswith("-") for word in process.arguments):
        process.err("hostname: you must be root to change the host name\n")
        return 1
    else:
        process.out(container.hostname + "\n")
    return 0


def _full_name(process: Process) -> str:
    """The first name of the host in /etc/hosts."""
    name = process.container.hostname
    for line in process.container.read_text("/etc/hosts").splitlines():
        words = line.split()
        if name in words[1:]:
            return words[1]
    return name


def busybox_hostname(process: Process) -> Steps[int]:
    """hostname of BusyBox."""
    if any(word.startswith("-") and "I" in word for word in process.arguments):
        process.err(
            f"hostname: unrecognized option: I\n{_BUSYBOX}"
            "Usage: hostname [-sidf] [HOSTNAME | -F FILE]\n\n"
            "Show or set hostname or DNS domain name\n"
        )
        return 1
    return (yield from hostname(process))


def _seconds(word: str) -> float | None:
    if word in ("infinity", "inf"):
        return float("inf")
    match = re.fullmatch(r"(\d+\.?\d*|\.\d+)([smhd]?)", word)
    return float(match[1]) * _UNITS[match[2]] if match else None


def sleep(process: Process) -> Steps[int]:
    """Let simulated time pass."""
    total = 0.0
    for word in process.arguments:
        seconds = _seconds(word)
        if seconds is None:
            quoted = f"'{word}'" if process.container.image.libc == "musl" else f"‘{word}’"
            kind = "number" if process.container.image.libc == "musl" else "time interval"
            process.err(f"sleep: invalid {kind} {quoted}\n")
            return 1
        total += seconds
    if not process.arguments:
        process.err("sleep: missing operand\nTry 'sleep --help' for more information.\n")
        return 1
    yield Forever() if total == float("inf") else Sleep(total)
    return 0


def date(process: Process) -> Steps[int]:
    """The simulated date."""
    outcome = format_date(process.arguments, process.clock.now)
    process.out(outcome.stdout)
    process.err(outcome.stderr)
    yield from ()
    return outcome.exit_code


def _user(process: Process) -> tuple[str, int]:
    user = process.container.image.user
    return user, 0 if user == "root" else 1000


def id_(process: Process) -> Steps[int]:
    """Who runs here."""
    yield from ()
    user, number = _user(process)
    letters = "".join(word.lstrip("-") for word in process.arguments)
    if set(letters) & set("ugG"):
        process.out(f"{user if 'n' in letters else number}\n")
    else:
        process.out(f"uid={number}({user}) gid={number}({user}) groups={number}({user})\n")
    return 0


def whoami(process: Process) -> Steps[int]:
    """The user's name."""
    yield from ()
    process.out(_user(process)[0] + "\n")
    return 0


def uname(process: Process) -> Steps[int]:
    """What system the node runs."""
    yield from ()
    container = process.container
    outcome = system_name(process.arguments, container.hostname, container.kernel)
    process.out(outcome.stdout)
    return outcome.exit_code


def ps(process: Process) -> Steps[int]:
    """The container's own program, and this one."""
    yield from ()
    main = " ".join(process.container.main_argv) or "sh"
    this = " ".join(process.argv)
    user = _user(process)[0]
    if process.container.image.libc == "musl":
        process.out("PID   USER     TIME  COMMAND\n")
        process.out(f"    1 {user:<8}  0:00 {main}\n    7 {user:<8}  0:00 {this}\n")
    elif any("a" in word or "e" in word for word in process.arguments):
        process.out("    PID TTY          TIME CMD\n")
        process.out(f"      1 ?        00:00:00 {main}\n      7 ?        00:00:00 {this}\n")
    else:
        process.out("    PID TTY          TIME CMD\n      7 ?        00:00:00 ps\n")
    return 0


def tail(process: Process) -> Steps[int]:
    """The last lines of a file; -f waits for more, which nobody writes to /dev/null."""
    try:
        options, names = getopt(process.arguments, "n:c:fFq", ["follow", "lines="])
    except OptionError as error:
        musl = process.container.image.libc == "musl"
        process.err(f"tail: {error.busybox if musl else error.gnu}\n")
        return 1
    values = dict(options)
    count = values.get("n", values.get("lines", "10")).lstrip("-")
    if not names or names == ["-"]:
        data = b""
        while more := (yield ReadInput(process.stdin)):
            data += more
    else:
        path = process.resolve(names[0])
        found = b"" if path == "/dev/null" else process.container.read(path)
        if found is None:
            process.err(f"tail: can't open '{names[0]}': {_MISSING}\n")
            return 1
        data = found
    lines = data.splitlines(keepends=True)
    process.out(b"".join(lines[-int(count) :] if count.isdigit() and int(count) else []))
    if {"f", "F", "follow"} & set(values):
        yield from _follow(process, names, len(data))
    return 0


def _follow(process: Process, names: list[str], shown: int) -> Steps[None]:
    """Look at a file once a second; /dev/null never grows."""
    if not names or names[0] in ("/dev/null", "-"):
        yield Forever()
    try:
        while True:
            yield LookAgain(1.0)
            data = process.container.read(process.resolve(names[0])) or b""
            process.out(data[shown:])
            shown = len(data)
    except Interrupted:
        return


def getent(process: Process) -> Steps[int]:
    """`getent hosts NAME` and `getent ahosts NAME`."""
    words = process.arguments
    if len(words) < 2 or words[0] not in ("hosts", "ahosts", "ahostsv4"):
        process.err("Usage: getent [OPTION...] database [key ...]\n")
        return 1
    answer = yield from lookup(process, words[1])
    if not answer.addresses:
        return 2
    name = answer.name.rstrip(".")
    if words[0] == "hosts":
        for address in answer.addresses[:1]:
            tail_name = "" if name == words[1] or is_address(words[1]) else f" {words[1]}"
            process.out(f"{address:<15} {name}{tail_name}\n")
        return 0
    for address in answer.addresses:
        for number, kind in enumerate(("STREAM", "DGRAM", "RAW")):
            process.out(f"{address:<15} {kind:<6} {name if number == 0 else ''}".rstrip() + "\n")
    return 0
