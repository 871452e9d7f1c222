"""Background jobs, the shared clock, deadlines and limits of the terminal."""

from random import Random

import pytest

from minik8s.client import Contexts
from minik8s.terminal.session import Session
from minik8s.terminal.timeline import Timeline


def ticker(argv, io):
    """A program that goes on: each look gives one more line."""
    count = 0

    def pump():
        nonlocal count
        count += 1
        io.out(f"tick {count}\n")
        return count < 20

    return io.follow(pump)


def both(argv, io):
    io.err("first\n")
    io.out("second\n")
    io.err("third\n")
    return 3


def waits(argv, io):
    io.out("begun\n")
    io.sleep(float(argv[0]))
    io.out("ended\n")
    return 0


def broken(argv, io):
    raise ValueError("broken")


def serves(argv, io):
    """A program with a port that goes on as long as it may."""
    io.listen(8080, lambda: None)
    return io.follow(lambda: True)


COMMANDS = {"serves": serves, "ticker": ticker, "both": both, "waits": waits, "broken": broken}


@pytest.fixture
def make_session():
    made = []

    def make(**options):
        session = Session(Contexts(), COMMANDS, timeline=Timeline(), random=Random(1), **options)
        made.append(session)
        return session

    yield make
    for session in made:
        session.close()


@pytest.fixture
def session(make_session):
    return make_session()


def out(session, script):
    return session.run(script).output


# -- order of the streams


ORDER = {
    "both": "first\nsecond\nthird\n",
    "both; echo $?": "first\nsecond\nthird\n3\n",
    "if both; then :; fi": "first\nsecond\nthird\n",
    "both | cat": "second\nfirst\nthird\n",
    "both 2> /dev/null": "second\n",
    'x=$(both 2>&1); echo "$x"': "second\nfirst\nthird\n",
    "shopt -s expand_aliases; alias b=both": "",
}


@pytest.mark.parametrize(("script", "expected"), ORDER.items())
def test_order_of_the_streams(session, script, expected):
    assert out(session, script) == expected


def test_result_keeps_the_streams_apart_too(session):
    result = session.run("both")
    assert (result.stdout, result.stderr) == ("second\n", "first\nthird\n")
    assert result.chunks == ((2, "first\n"), (1, "second\n"), (2, "third\n"))


# -- following


def test_following_in_front_gives_what_is_there(session):
    result = session.run("ticker")
    assert (result.output, result.exit_code) == ("tick 1\n", 0)
    assert out(session, "ticker | cat") == "tick 1\n"


def without_ticks(text):
    return "".join(line for line in text.splitlines(True) if not line.startswith("tick "))


def test_a_job_that_follows_speaks_after_each_command(session):
    heard = [out(session, "ticker &"), out(session, "echo a"), out(session, "jobs")]
    assert [without_ticks(text) for text in heard] == [
        "",
        "a\n",
        "[1]+  Running                 ticker &\n",
    ]
    assert all("tick " in text for text in heard)
    in_front = out(session, "fg %1")
    assert without_ticks(in_front) == "ticker\n"
    told = [int(line[5:]) for line in "".join([*heard, in_front]).splitlines() if "tick " in line]
    assert told == list(range(1, len(told) + 1))
    assert out(session, "kill %1") == ""
    assert out(session, "echo b") == "b\n"


def test_a_job_with_a_port_goes_on_whatever_its_output(session):
    session.run("serves > /dev/null 2>&1 &")
    assert 8080 in session.ports
    session.run("kill %1")
    assert session.ports == {}
    session.run("serves > /dev/null")
    assert session.ports == {}


def test_a_job_that_follows_can_end(session):
    session.run("ticker &")
    for _ in range(20):
        session.run(":")
    assert out(session, "jobs") == ""


def test_several_jobs(session):
    session.run("sleep 100 & sleep 200 &")
    assert out(session, "jobs; jobs -p; jobs -l") == (
        "[1]-  Running                 sleep 100 &\n"
        "[2]+  Running                 sleep 200 &\n"
        "4217\n4220\n"
        "[1]-  4217 Running                 sleep 100 &\n"
        "[2]+  4220 Running                 sleep 200 &\n"
    )
    assert out(session, "kill 4217; jobs") == (
        "[1]-  Terminated              sleep 100\n[2]+  Running                 sleep 200 &\n"
    )
    assert out(session, "kill -9 %2; jobs; jobs").startswith("[2]+  Terminated")


MISTAKES = {
    "kill %5": "bash: kill: %5: no such job\n",
    "kill 99": "bash: kill: (99) - No such process\n",
    "kill x": "bash: kill: x: arguments must be process or job IDs\n",
    "fg": "bash: fg: current: no such job\n",
    "fg %3": "bash: fg: %3: no such job\n",
    "wait 99": "bash: wait: pid 99 is not a child of this shell\n",
}


@pytest.mark.parametrize(("script", "message"), MISTAKES.items())
def test_mistakes(session, script, message):
    result = session.run(script)
    assert result.stderr == message
    assert result.exit_code != 0


def test_exit_codes_of_jobs(session):
    assert out(session, "(exit 3) & wait $!; echo $?; true & wait; echo $?") == "3\n0\n"
    assert out(session, "both > /dev/null 2>&1 & wait %1; echo $?") == "3\n"


# -- one clock


def test_jobs_run_beside_the_foreground(session):
    script = "date +%S; (sleep 2; date +%S; sleep 3; date +%S) & sleep 4; date +%S; wait; date +%S"
    assert out(session, script) == "00\n02\n04\n05\n05\n"


def test_jobs_run_beside_each_other(session):
    script = "for i in 1 2 3; do (sleep $((4 - i)); echo $i) & done; wait; date +%S"
    assert out(session, script) == "3\n2\n1\n03\n"


def test_a_job_goes_on_in_later_scripts(session):
    assert out(session, "(sleep 5; echo later) &") == ""
    assert out(session, "sleep 3; echo three") == "three\n"
    assert out(session, "sleep 3; echo six") == "later\nsix\n"


def test_a_job_has_the_variables_of_its_start(session):
    script = 'x=\'a  b\'; f() { echo "f$1"; }; (sleep 1; echo "$x"; f 2) & x=changed; wait'
    assert out(session, script) == "a  b\nf2\n"


def test_endless_jobs_do_not_stop_the_foreground(session):
    text = out(session, "while true; do date +%S; sleep 1; done & sleep 3; echo done; kill %1")
    assert text == "00\n01\n02\n03\ndone\n"
    assert out(session, "sleep 5; echo quiet") == "quiet\n"


def test_the_same_script_prints_the_same(make_session):
    script = "for i in 1 2 3 4; do (sleep $((RANDOM % 5)); echo $i; date +%S) & done; wait"
    assert out(make_session(), script) == out(make_session(), script)


# -- deadlines and limits


def test_timeout_cuts_a_program_off(session):
    assert out(session, "timeout 3 waits 5; echo $?; date +%S") == "begun\n124\n03\n"
    assert out(session, "timeout 3 waits 1; echo $?; date +%S") == "begun\nended\n0\n04\n"
    assert out(session, "timeout 3 waits 5 & wait $!; echo $?; date +%S") == "begun\n124\n07\n"


def test_an_endless_loop_ends_with_a_message(session):
    result = session.run("while true; do sleep 1; done")
    assert result.exit_code == 130
    assert result.stderr == "minik8s: stopped: a loop went round more than 10,000 times\n"
    assert out(session, "echo fine") == "fine\n"


def test_a_program_that_goes_on_for_ever_is_stopped(make_session):
    session = make_session(seconds=0.3)

    def forever():
        session.timeline.call_later(1, forever)

    forever()
    result = session.run("waits 1e18; echo not reached")
    assert (result.stdout, result.exit_code) == ("begun\n", 130)
    assert result.stderr == "minik8s: stopped: it ran for more than 0.3 seconds\n"
    assert out(session, "echo fine") == "fine\n"


def test_errors_of_our_own_programs_come_out(session):
    with pytest.raises(ValueError, match="broken"):
        session.run("broken")
    with pytest.raises(ValueError, match="broken"):
        session.run("broken &")
    assert out(session, "echo fine") == "fine\n"


def test_closing_ends_the_jobs(make_session):
    session = make_session()
    session.run("sleep 1000 & ticker &")
    jobs = list(session.jobs)
    session.close()
    assert [job.alive for job in jobs] == [False, False]


# -- small things of a terminal


def test_history_and_tty(session):
    session.run("echo one")
    assert out(session, "history") == "    1  echo one\n    2  history\n"
    assert out(session, "tty; echo | tty") == "/dev/pts/0\nnot a tty\n"


def test_without_a_terminal(make_session):
    assert out(make_session(tty=False), "tty") == "not a tty\n"


def test_environment(session):
    lines = out(session, "env | sort").splitlines()
    assert [line for line in lines if not line.startswith("_=")] == [
        "HOME=/home/you",
        "LANG=C.UTF-8",
        "LOGNAME=you",
        "PATH=/usr/local/bin:/usr/bin:/bin",
        "PWD=/home/you",
        "SHELL=/bin/bash",
        "TERM=xterm-256color",
        "USER=you",
    ]
