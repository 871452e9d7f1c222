"""What the notebooks call: `%lesson NAME` and `%%terminal`."""

from __future__ import annotations

from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, cell_magic, line_magic, magics_class

from course.lesson import find, parse_steps
from course.player import PromiseBroken, Terminal, terminal_for


def start_lesson(name: str) -> tuple[Terminal, str]:
    """A terminal at the start of a lesson, and the line that says so."""
    lesson = find(name)
    terminal = terminal_for(lesson)
    nodes = terminal.laptop.run("kubectl get nodes --no-headers | wc -l").output.strip()
    state = f"A fresh terminal is ready. Cluster minik8s: {nodes} nodes, policies are enforced."
    if terminal.history:
        state += f"\nPlayed before: {', '.join(terminal.history)}."
    return terminal, state


def run_cell(terminal: Terminal, source: str) -> str:
    """Run a terminal cell: everything it prints, and a last line if it kept its promises.

    Raises PromiseBroken after the first step that does not.
    """
    output = ""
    kept = 0
    for step in parse_steps(source):
        played = terminal.play(step)
        output += shown(played.output)
        if not played.kept and step.promise.lines:
            raise PromiseBroken(played)
        kept += bool(step.promise.lines)
    return f"{output}✔ as promised\n" if kept else output


def shown(output: str) -> str:
    """Terminal output for a page: CR LF becomes LF, and the last line ends."""
    text = output.replace("\r", "")
    return text if not text or text.endswith("\n") else f"{text}\n"


@magics_class
class TerminalMagics(Magics):
    """The shared terminal of one notebook."""

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self.terminal: Terminal | None = None

    @line_magic
    def lesson(self, line: str) -> None:
        """Start a lesson over: a fresh cluster, with the lessons before it already played."""
        self.terminal, state = start_lesson(line.strip())
        print(state)

    @cell_magic
    def terminal_cell(self, line: str, cell: str) -> None:
        """Run the cell in the shared terminal; `#>` lines say what must come out."""
        del line
        if self.terminal is None:
            self.terminal = Terminal()
        print(run_cell(self.terminal, cell), end="")


def register(shell: InteractiveShell) -> None:
    """Make the magics known to a notebook."""
    magics = TerminalMagics(shell)
    shell.register_magic_function(magics.lesson, "line", "lesson")
    shell.register_magic_function(magics.terminal_cell, "cell", "terminal")
