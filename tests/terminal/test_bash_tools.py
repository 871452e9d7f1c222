"""date and ls against what GNU's printed (recorded with TZ=UTC)."""

import json
from pathlib import Path
from random import Random

import pytest

from minik8s.bash import Shell
from minik8s.bash.dates import date

DATES = json.loads((Path(__file__).parents[1] / "data/terminal/gnu_date.json").read_text())


@pytest.mark.parametrize("row", DATES, ids=[" ".join(row["argv"]) for row in DATES])
def test_date_prints_what_gnu_date_prints(row):
    outcome = date(row["argv"], 0.0)
    got = (outcome.stdout, outcome.stderr, outcome.exit_code)
    assert got == (row["stdout"], row["stderr"], row["exit"])


@pytest.fixture
def shell():
    files = {"/home/you/b.txt": "12345", "/home/you/sub/inner": "", "/home/you/.hidden": ""}
    return Shell(
        username="you",
        cwd="/home/you",
        files=files,
        now=lambda: 1772960400.0,
        sleep=lambda seconds: None,
        random=Random(1),
    )


LISTINGS = {
    "ls": "b.txt\nsub\n",
    "ls -a": ".\n..\n.hidden\nb.txt\nsub\n",
    "ls -A": ".hidden\nb.txt\nsub\n",
    "ls -F": "b.txt\nsub/\n",
    "ls -d sub": "sub\n",
    "ls sub b.txt": "b.txt\n\nsub:\ninner\n",
    "ls -r": "sub\nb.txt\n",
    "ls -R": ".:\nb.txt\nsub\n\n./sub:\ninner\n",
    "ls -l": (
        "total 8\n-rw-r--r-- 1 you you    5 Mar  8 09:00 b.txt\n"
        "drwxr-xr-x 2 you you 4096 Mar  8 09:00 sub\n"
    ),
    "ls -ld sub": "drwxr-xr-x 2 you you 4096 Mar  8 09:00 sub\n",
    "chmod 750 b.txt; ls -l b.txt": "-rwxr-x--- 1 you you 5 Mar  8 09:00 b.txt\n",
    "ln -s b.txt link; ls -l link": "lrwxrwxrwx 1 you you 5 Mar  8 09:00 link -> b.txt\n",
    "ls -l link/ 2>/dev/null; ls -1 /home": "you\n",
    "ls *.txt": "b.txt\n",
}


@pytest.mark.parametrize(("script", "expected"), LISTINGS.items())
def test_ls(shell, script, expected):
    assert shell.run(script).stdout == expected


def test_ls_of_nothing(shell):
    result = shell.run("ls nothing b.txt")
    assert result.stderr == "ls: cannot access 'nothing': No such file or directory\n"
    assert (result.stdout, result.exit_code) == ("b.txt\n", 2)


def test_links_lead_where_they_point(shell):
    script = "ln -s sub s; ln -s s/inner deep; echo x > deep; cat sub/inner; ls s; ln -s loop loop"
    assert shell.run(script).stdout == "x\ninner\n"
    assert shell.files.read("/home/you/deep") == b"x\n"
    assert shell.files.list("/home/you/s") == ["inner"]
    assert not shell.files.exists("/home/you/loop")
    with pytest.raises(FileNotFoundError):
        shell.files.read("/home/you/loop")
