"""The reader of scripts: what is complete, and what rewriting leaves alone."""

import json
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minik8s.bash import Shell, is_complete
from minik8s.bash.rewrite import HELPER, Rewriter
from minik8s.bash.syntax import read

ROWS = json.loads((Path(__file__).parents[1] / "data/terminal/shell.json").read_text())
BROKEN = {"echo 'unterminated", "if true; then echo x"}

COMPLETE = [
    "echo a",
    "",
    "a; b",
    "for i in 1 2; do echo $i; done",
    "cat <<EOF\na\nEOF",
    "echo 'a\nb'",
    "f() { a; }",
    "case x in a) b;; esac",
    "echo )",
    "x=$(cat <<E\na\nE\n)",
    "a & b &",
    "[[ a == b ]]",
    "((x < 3))",
    "echo `a`",
    "echo ${x:-'}'}",
    "a |\nb",
    "# comment 'with quote",
]
INCOMPLETE = [
    "for i in 1 2; do",
    "if a",
    "if a; then b",
    "while a; do b",
    "case x in",
    "case x in a) b",
    "echo 'a",
    'echo "a',
    "echo $(a",
    "echo ${a",
    "echo `a",
    "cat <<EOF",
    "cat <<EOF\na",
    "a |",
    "a &&",
    "a ||",
    "(a",
    "{ a",
    "a \\",
    "f() {",
    "[[ a",
    "((x",
    "x=(a",
    "declare -A x=([a]=1",
]


@pytest.mark.parametrize("text", COMPLETE)
def test_complete(text):
    assert is_complete(text)


@pytest.mark.parametrize("text", INCOMPLETE)
def test_incomplete(text):
    assert not is_complete(text)


@pytest.mark.parametrize("name", ["declare -A", "local", "readonly", "typeset -a", "export"])
def test_lists_after_declaring_builtins(name):
    assert [word.name for word in read(f"{name} x=([a]=1 b) y=2; echo $RANDOM").references] == [
        "RANDOM"
    ]


@pytest.mark.parametrize("row", ROWS, ids=[f"row{number}" for number in range(len(ROWS))])
def test_every_recorded_script_can_be_read(row):
    assert is_complete(row["script"]) == (row["script"] not in BROKEN)


@pytest.mark.parametrize("row", ROWS, ids=[f"row{number}" for number in range(len(ROWS))])
def test_each_line_stays_on_its_line(row):
    for jobs in (False, True):
        rewritten = Rewriter(jobs=jobs, programs=lambda name: True)(row["script"])
        assert rewritten.count("\n") == row["script"].count("\n")


REWRITTEN = {
    "echo $RANDOM": "echo $(__minik8s var 'RANDOM')",
    "echo '$RANDOM'": "echo '$RANDOM'",
    "cat <<'E'\n$RANDOM\nE": "cat <<'E'\n$RANDOM\nE",
    "echo \\$RANDOM": "echo \\$RANDOM",
    "echo ${RANDOM:0:2}": "echo $(_m=$(__minik8s var 'RANDOM'); echo \"${_m:0:2}\")",
    "echo $((RANDOM+1))": "echo $(($(__minik8s var 'RANDOM')+1))",
    "echo $RANDOMLY": "echo $RANDOMLY",
    "a 2>&1 && b &>/dev/null": "a 2>&1 && b &>/dev/null",
    "SECONDS=0": "__minik8s assign SECONDS 0",
    "echo time": "echo time",
    "time a | b": "{ __minik8s time-start; a | b; __minik8s time-end $?; }",
    "echo $((a & b)) '&' \"&\"": "echo $((a & b)) '&' \"&\"",
}


@pytest.mark.parametrize(("before", "after"), REWRITTEN.items())
def test_rewriting(before, after):
    assert Rewriter(jobs=False)(before) == after


@given(st.text(alphabet="ab $\"'`\\(){}[]<>|&;\n#=RANDOM!?*", max_size=40))
def test_no_text_breaks_the_reader(text):
    is_complete(text)
    rewritten = Rewriter(jobs=True)(text)
    assert isinstance(rewritten, str)


WORDS = st.sampled_from(
    ["echo $x", "true", "false", "echo 'a & b'", 'echo "$x"', "x=2", "cat <<E\n$x\nE\n", ":"]
)
JOINTS = st.sampled_from(["; ", " && ", " || ", "\n", " | cat; "])


@given(st.lists(st.tuples(WORDS, JOINTS), min_size=1, max_size=6))
def test_rewriting_does_not_change_what_a_script_does(parts):
    """A `time`, an `&` and a `$RANDOM` elsewhere force the script through the rewriter."""
    text = "x=1\n" + "".join(
        word + (joint if not word.endswith("\n") else "") for word, joint in parts
    )
    text = text.rstrip().removesuffix("&&").removesuffix("||") + "\n:"
    plain = Shell(now=lambda: 0.0, sleep=lambda s: None, random=Random(1)).run(text)
    forced = Shell(now=lambda: 0.0, sleep=lambda s: None, random=Random(1)).run(
        text + "\n: $RANDOM; : & wait"
    )
    assert plain.stdout == forced.stdout


def test_substitutions_and_references_are_found():
    script = read('a "$(b $x)" `c` <(d) ${e[RANDOM]}')
    assert len(script.substitutions) == 3
    assert [reference.name for reference in script.references] == ["x", "e"]


TYPED = {
    "cat": "__m typed | cat",
    "cat > a.yaml": "__m typed | cat > a.yaml",
    "cat - | wc -l; tee a": "__m typed | cat - | wc -l; __m typed | tee a",
    "cat a": "cat a",
    "cat <<E\na\nE\n": "cat <<E\na\nE\n",
    "cat < a": "cat < a",
    "echo a | cat": "echo a | cat",
    "while read x; do cat; done < a": "while read x; do cat; done < a",
    "f() { cat; }": "f() { cat; }",
    "x=$(cat)": "x=$(cat)",
}


@pytest.mark.parametrize(("before", "after"), TYPED.items())
def test_commands_that_copy_what_is_typed(before, after):
    after = after.replace("__m", HELPER)
    assert Rewriter(jobs=True, person=True).rewrite(read(before)) == after
    assert Rewriter(jobs=True).rewrite(read(before)) == before
