"""Carrying a session in a pod (`exec`, `attach`) to and from this computer's terminal."""

from __future__ import annotations

from minik8s.apiserver import ExecSession
from minik8s.kubectl.call import Call

NO_TTY = "Unable to use a TTY - input is not a terminal or the right kind of file\n"


def wants_tty(call: Call, *, stdin: bool, tty: bool, quiet: bool) -> bool:
    """Whether the program gets a terminal; says so when that cannot be."""
    if not (stdin and tty):
        return False
    if call.io.tty and call.io.stdin is None:
        return True
    if not quiet:
        call.err(NO_TTY)
    return False


def carry(call: Call, session: ExecSession, *, stdin: bool, tty: bool) -> int | None:
    """Pass input and output on until the program ends; its exit code, None if it goes on."""
    typed = stdin and call.io.interactive and call.io.stdin is None
    if stdin and call.io.stdin is not None:
        session.write_stdin(call.io.stdin.encode())
        call.io.stdin = ""
    if not typed:
        session.close_stdin()
    while True:
        session.run()
        _show(call, session)
        if session.exit_code is not None or not typed:
            break
        # With a terminal in the pod that one shows and edits what is typed.
        keys = call.io.read_keys() if tty else call.io.read_line()
        if keys is None:
            session.close_stdin()
            typed = False
            continue
        session.write_stdin(keys.encode())
    if session.exit_code is None:
        _follow(call, session)
    return session.exit_code


def _show(call: Call, session: ExecSession) -> None:
    for stream, data in session.output():
        text = data.decode(errors="replace")
        if stream == 2:
            call.err(text)
        else:
            call.out(text)


def _follow(call: Call, session: ExecSession) -> None:
    """Let a program that waits for somebody else go on for as long as the person wants."""

    def pump() -> bool:
        session.run()
        _show(call, session)
        return session.exit_code is None

    call.io.follow(pump)
    if session.exit_code is None and not call.io.background:
        session.kill()
