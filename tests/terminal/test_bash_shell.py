"""The shell's adapter: state, limits, clock, randomness, files, nesting, what it hides."""

import os
import signal
import threading
from random import Random

import pytest

from minik8s.bash import (
    ASH,
    DASH,
    TYPED_BASH,
    Background,
    Files,
    Limits,
    Outcome,
    Shell,
    TimeUp,
)

START = 1772960400.0  # 2026-03-08T09:00:00Z


class Clock:
    def __init__(self):
        self.now = START

    def sleep(self, seconds):
        self.now += seconds


def shell_with(**options):
    clock = options.pop("clock", None) or Clock()
    values = {
        "hostname": "laptop",
        "username": "you",
        "cwd": "/home/you",
        "now": lambda: clock.now,
        "sleep": clock.sleep,
        "random": Random(7),
    }
    return Shell(**(values | options))


@pytest.fixture
def shell():
    return shell_with()


def out(shell, script, **options):
    result = shell.run(script, **options)
    assert result.error == ""
    return result.stdout


# -- state


def test_variables_functions_aliases_and_the_folder_stay(shell):
    shell.run("x=1; export Y=2; f() { echo f$1; }; arr=(a b); cd /tmp; shopt -s expand_aliases")
    shell.run("alias say='echo said'")
    assert out(shell, "echo $x $Y ${arr[1]} $PWD; f 3; say it") == "1 2 b /tmp\nf3\nsaid it\n"
    assert (shell.cwd, shell.env["Y"], shell.variables["x"]) == ("/tmp", "2", "1")


def test_the_exit_code_and_options_stay(shell):
    assert shell.run("false").exit_code == 1
    assert out(shell, "echo $?") == "1\n"
    shell.run("set -o pipefail")
    assert out(shell, "false | true; echo $?") == "1\n"
    shell.run("set +o pipefail")
    assert out(shell, "false | true; echo $?") == "0\n"


def test_exit_ends_the_script_and_says_so(shell):
    result = shell.run("echo a; exit 7; echo b")
    assert (result.stdout, result.exit_code, result.exited) == ("a\n", 7, True)
    assert shell.run("(exit 3)").exited is False


def test_output_keeps_the_order_of_the_streams(shell):
    heard = []
    shell.run("echo a; echo b >&2; echo c | cat", on_output=lambda o, e: heard.append((o, e)))
    assert heard[:3] == [("a\n", ""), ("", "b\n"), ("c\n", "")]
    assert "".join(o for o, _ in heard) == "a\nc\n"


def test_standard_input_of_a_script(shell):
    assert out(shell, "read first; cat; echo $first", stdin="one\ntwo\n") == "two\none\n"
    assert shell.run("exit 7", stdin="x").exit_code == 7


def test_snapshot_and_restore(shell):
    shell.run("x=1; echo old > f")
    snapshot = shell.snapshot()
    shell.run("x=2; echo new > f; echo more > g")
    shell.restore(snapshot)
    assert out(shell, "echo $x; cat f; ls") == "1\nold\nf\n"


def test_files_are_shared_between_shells():
    files = Files({"/data/in": b"\xff\x00bytes"})
    first, second = shell_with(files=files), shell_with(files=files)
    first.run("cp /data/in /data/out; mkdir -p /data/d")
    assert second.read_file("/data/out") == b"\xff\x00bytes"
    assert second.list_dir("/data") == ["d", "in", "out"]
    assert out(second, "xxd /data/out | head -1").startswith("00000000: ff00 6279")
    with pytest.raises(FileNotFoundError):
        second.read_file("/data/nothing")
    with pytest.raises(IsADirectoryError):
        second.read_file("/data/d")


def test_text_outside_ascii_survives(shell):
    assert out(shell, "echo 'ä ∑ 🐝' | tr -d ' ' | cat") == "ä∑🐝\n"
    assert out(shell, r"printf '\xff\xfe' > f; wc -c < f").strip() == "2"


# -- clock and randomness


def test_date_sleep_and_counters_use_the_given_clock(shell):
    text = "SECONDS=0; date +%T; sleep 90; date +%T; echo $SECONDS $EPOCHSECONDS; date -u -Iseconds"
    assert out(shell, text) == ("09:00:00\n09:01:30\n90 1772960490\n2026-03-08T09:01:30+00:00\n")


def test_time_reports_simulated_time(shell):
    result = shell.run("time sleep 3; time -p sleep 1; { time sleep 2; } 2> t; cat t")
    assert result.stderr == (
        "\nreal\t0m3.000s\nuser\t0m0.000s\nsys\t0m0.000s\nreal 1.00\nuser 0.00\nsys 0.00\n"
    )
    assert result.stdout == "\nreal\t0m2.000s\nuser\t0m0.000s\nsys\t0m0.000s\n"


RANDOM_SCRIPT = """
for i in 1 2 3; do echo $RANDOM; done
echo "quoted ${RANDOM}" $((RANDOM % 10)) `echo $RANDOM`
cat <<EOF
$RANDOM
EOF
cat <<'EOF'
$RANDOM
EOF
echo '$RANDOM' \\$RANDOM
f() { echo $RANDOM; }; f; f
bash -c 'echo $RANDOM'
eval 'echo $RANDOM'
echo 'echo $RANDOM' > s.sh; . ./s.sh; bash s.sh
echo 'echo $RANDOM' | bash
"""


def test_random_is_seeded_and_fresh_at_each_expansion():
    first, again = (out(shell_with(), RANDOM_SCRIPT) for _ in range(2))
    assert first == again
    other = out(shell_with(random=Random(8)), RANDOM_SCRIPT)
    assert other != first
    lines = first.splitlines()
    assert lines[5:7] == ["$RANDOM", "$RANDOM $RANDOM"]
    numbers = [word for line in lines for word in line.split() if word.isdigit()]
    assert len(numbers) == len(set(numbers)) >= 12
    assert all(0 <= int(number) < 32768 for number in numbers)


def test_random_can_be_seeded_by_assignment(shell):
    text = "RANDOM=42; a=$RANDOM; RANDOM=42; [ $a = $RANDOM ] && echo same"
    assert out(shell, text) == "same\n"


def test_other_sources_of_chance_are_seeded():
    script = "mktemp; uuidgen; shuf -i 1-1000 -n 3; echo $SRANDOM"
    assert out(shell_with(), script) == out(shell_with(), script)
    assert out(shell_with(), script) != out(shell_with(random=Random(8)), script)


def test_listings_show_simulated_times():
    clock = Clock()
    shell = shell_with(clock=clock, files={"/home/you/a": "x"})
    shell.run("sleep 3600")
    shell.run("touch b")
    assert out(shell, "ls -l").splitlines()[1:] == [
        "-rw-r--r-- 1 you you 1 Mar  8 09:00 a",
        "-rw-r--r-- 1 you you 0 Mar  8 10:00 b",
    ]


def test_timeout_ends_a_command_at_its_deadline(shell):
    script = "timeout 1 sleep 0.5; echo $?; timeout 2 bash -c 'sleep 1; echo a; sleep 5; echo b'"
    assert out(shell, script + "; echo $?; date +%S.%3N") == "0\na\n124\n02.500\n"


def test_timeout_tells_programs_their_deadline():
    seen = []

    def program(call):
        seen.append(call.deadline)
        raise TimeUp(Outcome("partly\n"))

    shell = shell_with(programs={"probe": program})
    result = shell.run("timeout 5 probe; echo $?")
    assert seen == [START + 5]
    assert result.stdout == "partly\n124\n"


# -- limits, errors, interruption


def test_an_endless_loop_is_stopped_with_what_it_printed():
    shell = shell_with(limits=Limits(loop_turns=50))
    result = shell.run("echo before; while true; do echo turn; done; echo after")
    assert result.stdout.startswith("before\nturn\n")
    assert result.stderr == "minik8s: stopped: a loop went round more than 50 times\n"
    assert (result.exit_code, bool(result.error)) == (130, True)
    assert out(shell, "echo fine") == "fine\n"


def test_too_many_commands_are_stopped():
    shell = shell_with(limits=Limits(loop_turns=10**6, commands=100))
    result = shell.run("while :; do :; done")
    assert result.stderr == "minik8s: stopped: it ran more than 100 commands\n"


def test_a_script_that_runs_too_long_is_stopped():
    shell = shell_with(limits=Limits(10**9, 10**9, 0.2))
    result = shell.run("while :; do :; done")
    assert result.stderr == "minik8s: stopped: it ran for more than 0.2 seconds\n"
    assert result.exit_code == 130


def test_deep_recursion_is_an_error_of_the_shell(shell):
    result = shell.run("f() { f; }; f")
    assert "maximum function nesting level exceeded" in result.stderr
    assert result.exit_code == 1


def test_many_commands_over_many_scripts_are_no_trouble(shell):
    for _ in range(15):
        shell.run("for i in {1..9000}; do :; done")
    assert out(shell, "echo still here") == "still here\n"


SYNTAX = [
    ("echo 'unterminated", "bash: -c: line 1: unexpected EOF while looking for matching `''\n"),
    ("if true; then", "bash: -c: line 2: syntax error: unexpected end of file\n"),
    ("echo )", "bash: -c: line 1: syntax error near unexpected token `)'\n"),
]


@pytest.mark.parametrize(("script", "message"), SYNTAX)
def test_syntax_errors(shell, script, message):
    result = shell.run(script)
    assert (result.stderr, result.exit_code, result.exited) == (message, 2, False)


def test_ctrl_c_stops_the_script_and_shells_within():
    inner = shell_with(limits=Limits(10**12, 10**12, None))
    outer = shell_with(
        programs={"inner": lambda call: Outcome(inner.run(call.argv[0]).stdout)},
        limits=Limits(10**12, 10**12, None),
    )
    timer = threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    result = outer.run("echo start; inner 'while :; do :; done'; echo after")
    timer.join()
    assert (result.stdout, result.exit_code, result.error) == ("start\n", 130, "interrupted")
    assert out(outer, "echo fine") == "fine\n"
    assert out(inner, "echo fine") == "fine\n"


def test_an_exception_of_a_program_comes_out():
    def broken(call):
        raise ValueError("broken")

    shell = shell_with(programs={"broken": broken})
    with pytest.raises(ValueError, match="broken"):
        shell.run("echo a; broken; echo b")
    assert out(shell, "echo c") == "c\n"


# -- programs


def test_programs_get_what_they_need():
    calls = []

    def probe(call):
        calls.append(call)
        return Outcome("out\n", "err\n", 3)

    shell = shell_with(programs={"probe": probe})
    result = shell.run("cd /tmp; echo in | FOO=bar probe 'a b' c; echo $?; probe")
    assert result.stdout == "out\n3\nout\n"
    first, second = calls
    assert (first.name, first.argv, first.stdin) == ("probe", ["a b", "c"], "in\n")
    assert (first.env["FOO"], first.cwd) == ("bar", "/tmp")
    assert (second.stdin, second.background) == (None, False)


def test_programs_know_that_they_run_in_the_background():
    calls = []
    shell = shell_with(programs={"p": lambda call: calls.append(call) or Outcome()})
    shell.run("p 1 & p 2; (p 3; p 4) & wait; p 5 | cat & wait; env | grep MINIK8S")
    assert [call.background for call in calls] == [True, False, True, True, True]


DIRECT = [
    ("p", True),
    ("p; p", True),
    ("if p; then :; fi", True),
    ("p | cat", False),
    ("p > f", False),
    ("{ p; } > f", False),
    ("x=$(p)", False),
    ("f() { p; }; f", False),
    ("f() { p; }; f | cat", False),
    ("cat <(p)", False),
    ("alias q=p\nq", False),
]


@pytest.mark.parametrize(("script", "direct"), DIRECT)
def test_programs_know_whether_their_output_goes_straight_out(script, direct):
    calls = []
    shell = shell_with(programs={"p": lambda call: calls.append(call) or Outcome()})
    shell.run(script)
    assert {call.direct for call in calls} <= {direct}


def test_programs_can_run_shells_to_any_depth():
    def nest(call):
        depth = int(call.argv[0])
        inner = shell_with(programs={"nest": nest}, hostname=f"h{depth}")
        script = f"hostname; nest {depth - 1}" if depth else "hostname"
        return Outcome(inner.run(script).stdout)

    shell = shell_with(programs={"nest": nest})
    assert out(shell, "x=$(nest 3 | cat); echo $x; nest 0 & wait") == "h3 h2 h1 h0\nh0\n"


def test_register_and_unregister(shell):
    shell.register("fresh", lambda call: Outcome("fresh\n"))
    assert out(shell, "fresh; type fresh") == "fresh\nfresh is /usr/bin/fresh\n"
    shell.unregister("fresh")
    assert shell.run("fresh").exit_code == 127


def test_background_lists_are_handed_over():
    jobs = []
    shell = shell_with(background=lambda job: jobs.append(job) or 4242)
    script = "x='a b'; f() { echo $1 $x; }; f in & echo $!; for i in 1 2; do (echo $i) & done"
    assert out(shell, script) == "4242\n"
    assert [job.text for job in jobs] == ["f in", "(echo $i)", "(echo $i)"]
    assert [shell.fork(job).run(job.text).stdout for job in jobs] == ["in a b\n", "1\n", "2\n"]
    assert isinstance(jobs[0], Background)


# -- what is there, and what is not


def test_missing_commands_in_the_words_of_each_shell():
    scripts = {
        "bash: line 1: nosuch: command not found\n": {},
        "bash: nosuch: command not found\n": {"dialect": TYPED_BASH},
        "sh: nosuch: not found\n": {"dialect": ASH},
        "sh: 1: nosuch: not found\n": {"dialect": DASH},
    }
    for message, options in scripts.items():
        result = shell_with(**options).run("nosuch")
        assert (result.stderr, result.exit_code) == (message, 127)
        assert out(shell_with(**options), "nosuch 2>&1 | cat") == message


def test_odd_and_unwanted_tools_do_not_exist(shell):
    for name in ("curl", "wget", "http", "ssh", "git", "python3", "vi", "sudo", "ps", "openssl"):
        assert shell.run(name).exit_code == 127, name
        assert shell.run(f"type {name}").exit_code == 1, name
        assert shell.run(f"command -v {name}").stdout == "", name
        assert shell.run(f"which {name}").exit_code == 1, name


def test_only_the_kept_tools_exist():
    shell = shell_with(keep={"cat", "ls", "sh"}, dialect=ASH)
    assert out(shell, "ls /bin") == "cat\nls\nsh\n"
    assert shell.run("grep x").stderr == "sh: grep: not found\n"
    assert out(shell, "echo a | cat; [ 1 = 1 ] && printf b") == "a\nb"


def test_the_machine_does_not_shine_through(shell, monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_HOST", "x")
    result = shell.run(
        "env; set; whoami; id; hostname; uname -a; cat /etc/passwd /proc/version /proc/cpuinfo; "
        "ls -a / /home /proc; nproc; pwd; echo ~root; ls /root"
    )
    text = result.stdout + result.stderr
    names = {os.uname().nodename, os.uname().release, "bashkit", "sandbox", "SECRET", os.getcwd()}
    for name in names - {"", "laptop", "localhost"}:
        assert name not in text, name
    assert out(shell, "whoami; hostname; uname -n; id -un") == "you\nlaptop\nlaptop\nyou\n"


def test_root_is_root():
    shell = shell_with(username="root")
    assert out(shell, "id -u; echo $UID $EUID; whoami") == "0\n0 0\nroot\n"


def test_a_mounted_folder_is_read_only_and_closed(tmp_path):
    inside = tmp_path / "manifests"
    inside.mkdir()
    (inside / "a.yaml").write_text("kind: Pod\n")
    (tmp_path / "secret").write_text("secret\n")
    (inside / "way-out").symlink_to(tmp_path / "secret")
    (inside / "up").symlink_to("../secret")
    shell = shell_with()
    shell.mount("/home/you/manifests", str(inside))
    assert out(shell, "cat manifests/a.yaml; ls manifests | head -1") == "kind: Pod\na.yaml\n"
    for script in (
        "echo x > manifests/a.yaml",
        "rm manifests/a.yaml",
        "touch manifests/b",
        "cat manifests/way-out",
        "cat manifests/up",
        "cat manifests/../secret",
    ):
        result = shell.run(script)
        assert result.exit_code != 0, script
        assert "secret\n" not in result.stdout
    assert (inside / "a.yaml").read_text() == "kind: Pod\n"


def test_shells_are_freed(shell):
    import gc
    import weakref

    made = shell_with(programs={"p": lambda call: Outcome()})
    made.run("p; echo a")
    watched = weakref.ref(made)
    del made
    gc.collect()
    assert watched() is None


def test_a_programs_environment_is_in_order(shell):
    shell.register("names", lambda call: Outcome(" ".join(call.env) + "\n"))
    names = [f"V{number}" for number in range(40)]
    printed = shell.run("".join(f"export {name}=1\n" for name in names) + "names").stdout
    assert printed.split() == sorted(printed.split())
    assert set(names) < set(printed.split())


STAT = {
    "stat -c '%n %s %Y %a %A %U %F' f": "f 3 1772960400 644 -rw-r--r-- you regular file\n",
    "stat --printf='%y\\n' d; stat --format %F d": (
        "2026-03-08 09:00:00.000000000 +0000\ndirectory\n"
    ),
    "stat -c '%5s|%-5s|%05s|%%' f": "    3|3    |00003|%\n",
    "stat f | sed -n 4p | cut -c-48": "Access: (0644/-rw-r--r--)  Uid: ( 1000/     you)\n",
}


@pytest.mark.parametrize(("script", "expected"), STAT.items())
def test_stat_shows_the_simulated_time(shell, script, expected):
    shell.run("echo ab > f; mkdir d")
    assert shell.run(script).stdout == expected


def test_stat_complains(shell):
    result = shell.run("stat nope; stat; stat -q x")
    assert result.exit_code == 1
    assert result.stderr == (
        "stat: cannot statx 'nope': No such file or directory\n"
        "stat: missing operand\nTry 'stat --help' for more information.\n"
        "stat: invalid option -- 'q'\nTry 'stat --help' for more information.\n"
    )


# -- tracing


@pytest.mark.parametrize(
    ("script", "trace"),
    [
        # As bash 5.2 prints it, but for the heads of `for` loops and the order within a pipe.
        (
            "i=0; while [ $i -lt 2 ]; do i=$((i+1)); done",
            "+ i=0\n+ '[' 0 -lt 2 ']'\n+ i=1\n+ '[' 1 -lt 2 ']'\n+ i=2\n+ '[' 2 -lt 2 ']'\n",
        ),
        ("x=$(echo a); (exit 3); echo b", "++ echo a\n+ x=a\n+ exit 3\n+ echo b\n"),
        ("false; exit 1", "+ false\n+ exit 1\n"),
        ("meet 'a b'; echo $?", "+ meet 'a b'\n+ echo 4\n"),
    ],
)
def test_a_trace_shows_nothing_but_the_script(script, trace):
    script = script.replace("it's", '"it\'s"')
    shell = shell_with(programs={"meet": lambda call: Outcome(exit_code=4)})
    assert shell.run(f"set -x; {script}").stderr == trace


def test_a_trace_of_jobs_and_of_the_code_before():
    jobs = []
    shell = shell_with(background=lambda job: jobs.append(job) or 7)
    assert shell.run("false").exit_code == 1
    assert shell.run("set -x; echo $?; sleep 1 & echo $!").stderr == "+ echo 0\n+ echo 7\n"
    assert len(jobs) == 1
    assert shell.run("false").stderr == "+ false\n"
    assert shell.run("true").stderr == "+ true\n"
