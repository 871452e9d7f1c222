"""Carrying a session in a pod (`exec`, `attach`) to and from this computer's terminal."""

from __future__ import annotations

from minik8s.apiserver import ExecSession
from minik8s.kubectl.call import Call

_STEP = 1.0
"""How many seconds a program may go on before its output is shown to a person."""

_PATIENCE = 600
"""After how many steps with output a program is stopped that nobody watches."""

A_DAY = 86400.0
"""For how many seconds a program may say nothing that nobody watches."""

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


def carry(
    call: Call, session: ExecSession, *, stdin: bool, tty: bool, patience: float = A_DAY
) -> int | None:
    """Pass input and output on until the program ends; its exit code, None if it goes on.

    Where nobody types, a program that says nothing is left to itself after `patience` seconds.
    """
    typed = stdin and call.io.interactive and call.io.stdin is None
    if stdin and call.io.stdin is not None:
        session.write_stdin(call.io.stdin.encode())
        call.io.stdin = ""
    if not typed:
        session.close_stdin()
        _leave_alone(call, session, tty=tty, patience=patience)
    elif tty:
        _type(call, session)
    else:
        _converse(call, session)
    if session.exit_code is None:
        _follow(call, session)
    return session.exit_code


def _leave_alone(call: Call, session: ExecSession, *, tty: bool, patience: float) -> None:
    """Nobody types; a program that talks without end gets the Ctrl-C that it waits for."""
    seconds, talked, silent = _STEP, 0, 0.0
    while silent < patience and not session.run(seconds):
        shown = _show(call, session)
        silent = 0.0 if shown else silent + seconds
        seconds, talked = (_STEP, talked + 1) if shown else (2 * seconds, talked)
        if talked > _PATIENCE:
            if tty:
                session.write_stdin(b"\x03")
                session.run(_STEP)
            else:
                session.kill()
            break
    _show(call, session)


def _converse(call: Call, session: ExecSession) -> None:
    """A person types lines for a program without a terminal."""
    while True:
        session.run()
        _show(call, session)
        if session.exit_code is not None:
            return
        line = call.io.read_line()
        if line is None:
            session.close_stdin()
            session.run()
            _show(call, session)
            return
        session.write_stdin(line.encode())


def _type(call: Call, session: ExecSession) -> None:
    """A person types at a terminal in the pod, which shows and edits what is typed.

    A program that goes on and says something now and then is slowed down to real time, so
    that one can read along, and press Ctrl-C.
    """
    with call.io.keyboard() as keyboard:
        while True:
            stands_still = session.run(_STEP)
            shown = _show(call, session)
            if session.exit_code is not None:
                return
            if stands_still:
                keys = keyboard.read(None)
            else:
                keys = keyboard.read(_STEP if shown else 0.0)
            if keys is None:
                session.close_stdin()
                return
            session.write_stdin(keys.encode())


def _show(call: Call, session: ExecSession) -> bool:
    """Pass on what the program has written; whether it has written anything."""
    shown = False
    for stream, data in session.output():
        text = data.decode(errors="replace")
        if stream == 2:
            call.err(text)
        else:
            call.out(text)
        shown = True
    return shown


def _follow(call: Call, session: ExecSession) -> None:
    """Let a program that waits for somebody else go on for as long as the person wants."""

    def pump() -> bool:
        session.run(0.0)
        _show(call, session)
        return session.exit_code is None

    call.io.follow(pump)
    if session.exit_code is None and not call.io.background:
        session.kill()
