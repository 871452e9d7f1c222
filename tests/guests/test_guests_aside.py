"""Work that computes aside, and has its owner do what belongs on the owner's thread."""

from __future__ import annotations

import threading

import pytest

from minik8s.bash import Aside
from minik8s.bash.aside import Abandoned


def test_the_owner_does_what_is_asked_for_in_order() -> None:
    aside: Aside[int] = Aside(lambda: None)
    done: list[object] = []

    def work() -> int:
        aside.post(lambda: done.append(threading.get_ident()))
        found = aside.call(lambda: len(done))
        aside.post(lambda: done.append("last"))
        return found

    aside.begin(work)
    assert aside.wait()
    assert aside.result() == 1
    assert done == [threading.get_ident(), "last"]
    aside.begin(lambda: 7)
    assert aside.wait()
    assert aside.result() == 7, "one piece of work after another"


def test_without_work_the_caller_does_it_himself() -> None:
    assert Aside[int](lambda: None).call(threading.get_ident) == threading.get_ident()


def test_what_the_owner_fails_in_is_raised_in_the_work() -> None:
    aside: Aside[str] = Aside(lambda: None)

    def fail() -> None:
        raise ValueError("no")

    def work() -> str:
        with pytest.raises(ValueError, match="no"):
            aside.call(fail)
        raise KeyError("mine")

    aside.begin(work)
    aside.wait()
    with pytest.raises(KeyError):
        aside.result()


def test_attending_never_waits_and_a_listener_is_told_once() -> None:
    aside: Aside[None] = Aside(lambda: None)
    go, told = threading.Event(), threading.Event()

    def work() -> None:
        go.wait(10)
        aside.call(lambda: None)

    aside.begin(work)
    assert not aside.attend()
    assert not aside.wait(0.001)
    aside.listen(told.set)
    assert not told.is_set()
    go.set()
    assert told.wait(10)
    told.clear()
    while not aside.attend():
        pass
    assert not told.is_set()
    aside.listen(told.set)
    assert told.is_set(), "it had ended before"


def test_abandoned_work_is_refused_what_it_asks_for() -> None:
    cancelled, refused = threading.Event(), threading.Event()
    aside: Aside[None] = Aside(cancelled.set)
    asked = threading.Event()

    def work() -> None:
        asked.set()
        for ask in (lambda: aside.call(lambda: None), lambda: aside.post(lambda: None)):
            with pytest.raises(Abandoned):
                ask()
        refused.set()

    aside.begin(work)
    assert asked.wait(10)
    aside.abandon()
    assert cancelled.is_set()
    assert refused.wait(10)


def test_ctrl_c_cancels_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    stop = threading.Event()
    aside: Aside[str] = Aside(stop.set)
    real = aside._news.wait_for
    interrupts = [KeyboardInterrupt()]

    def wait_for(*how: object) -> bool:
        if interrupts:
            raise interrupts.pop()
        return real(*how)  # type: ignore[arg-type]

    monkeypatch.setattr(aside._news, "wait_for", wait_for)
    aside.begin(lambda: "stopped" if stop.wait(10) else "went on")
    assert aside.wait()
    assert aside.result() == "stopped"
