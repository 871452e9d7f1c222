"""The lessons: well formed, faithful to the tutorial, and every promise kept."""

import re
from pathlib import Path

import pytest

from course.lesson import LessonError, find, lessons, prerequisites, read
from course.player import terminal_for
from tests.benchmarks.bench_course import PEAK_MB, run_course

TUTORIAL = Path(__file__).parents[1] / "data" / "tutorial" / "tutorial.md"
LESSONS = lessons()
NAMES = [lesson.name for lesson in LESSONS]


def test_lessons_are_numbered_without_a_gap():
    assert [int(name[:2]) for name in NAMES] == list(range(len(NAMES)))


@pytest.mark.parametrize("lesson", LESSONS, ids=NAMES)
def test_a_lesson_depends_only_on_earlier_ones(lesson):
    assert all(other.name < lesson.name for other in prerequisites(lesson))
    assert lesson.goals


@pytest.mark.parametrize("name", ["03_ingress_controls", "3", "03", "ingress-controls"])
def test_a_lesson_is_found_by_each_of_its_names(name):
    assert find(name).name == "03_ingress_controls"


def test_an_unknown_lesson_is_named_with_those_there_are():
    with pytest.raises(LessonError, match=r"no lesson 'nosuch'; there are 00_welcome, .*"):
        find("nosuch")


def test_a_lesson_without_front_matter_is_refused_with_file_and_line(tmp_path):
    folder = tmp_path / "11_bad"
    folder.mkdir()
    (folder / "lesson.md").write_text("# No front matter\n")
    with pytest.raises(LessonError, match=r"^11_bad/lesson.md:1: front matter is missing$"):
        read(folder)


def tutorial_commands():
    """Every command of the tutorial, white space folded, promised output left out."""
    blocks = re.findall(r"^```\n(.*?)^```$", TUTORIAL.read_text(), re.DOTALL | re.MULTILINE)
    known = re.compile(
        r"kubectl|cilium|hubble|curl -LO|tar|sudo|gcloud|minikube|export|[A-Z_]+=\$\("
    )
    lines = [line.strip() for block in blocks for line in block.split("\n")]
    return [" ".join(line.split()) for line in lines if known.match(line)]


def test_every_command_of_the_tutorial_is_in_a_lesson():
    commands = tutorial_commands()
    assert len(commands) > 50
    typed = {
        " ".join(line.split())
        for lesson in LESSONS
        for step in lesson.steps
        for line in step.script.split("\n")
    }
    assert [command for command in commands if command not in typed] == []


@pytest.mark.parametrize(
    "lesson", [lesson for lesson in LESSONS if lesson.steps], ids=lambda lesson: lesson.name
)
def test_every_promise_is_kept(lesson):
    terminal = terminal_for(lesson)
    for played in terminal.play_lesson(lesson):
        assert played.kept, f"{played.step.script}\n{played.step.promise.difference(played.output)}"


def test_the_whole_course_fits_into_a_small_computer():
    """Memory is a size, not a time: `netpol run` must fit on Binder beside JupyterLab."""
    _, megabytes, code = run_course()
    assert code == 0
    assert megabytes <= PEAK_MB
