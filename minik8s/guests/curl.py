"""curl: fetch URLs, with the texts of the version that the image brings."""

from __future__ import annotations

from dataclasses import dataclass, field

from minik8s.guests.base import Close, Interrupted, Process, Sleep, Steps
from minik8s.guests.curl_context import Pool
from minik8s.guests.curl_options import Parser, Settings, UsageError
from minik8s.guests.curl_texts import DEFAULT_VERSION, FAILED_INIT, Texts
from minik8s.guests.curl_transfer import Transfer
from minik8s.guests.curl_writeout import write_out
from minik8s.guests.urls import expand_globs

_TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})


def curl(process: Process) -> Steps[int]:
    """Run one curl command."""
    texts = Texts(process.container.image.curl or DEFAULT_VERSION, process.container.image)
    try:
        settings = Parser(process.arguments, lambda path: _read(process, path)).parse()
    except UsageError as error:
        process.err(f"curl: {error}\n{texts.try_help}")
        return FAILED_INIT
    if settings.show_version:
        process.out(texts.banner())
        return 0
    if settings.show_help:
        process.out(_HELP)
        return 0
    if not settings.urls:
        process.err(texts.no_url + texts.try_help)
        return FAILED_INIT
    return (yield from _Command(process, settings, texts).run())


def _read(process: Process, path: str) -> bytes | None:
    if path == "-":
        return process.stdin.take()
    return process.container.read(process.resolve(path))


@dataclass(slots=True)
class _Command:
    """All URLs of one command line, one after the other over kept connections."""

    process: Process
    settings: Settings
    texts: Texts
    pool: Pool = field(default_factory=Pool)

    def run(self) -> Steps[int]:
        code = 0
        expanded = [
            (url, self._output(place))
            for place, text in enumerate(self.settings.urls)
            for url in ([text] if self.settings.globoff else expand_globs(text))
        ]
        try:
            for number, (url, output) in enumerate(expanded):
                code = yield from self._fetch(url, output, number)
        except Interrupted as signal:
            return signal.exit_code
        for connection in self.pool.drain():
            yield Close(connection)
        return code

    def _output(self, place: int) -> str | None:
        """The file for a URL: None is standard output, "" the name at the server."""
        outputs = self.settings.outputs
        return outputs[place] if place < len(outputs) else None

    def _fetch(self, url: str, output: str | None, number: int) -> Steps[int]:
        """One URL, tried again as `--retry` says."""
        tries = self.settings.retry
        delay = self.settings.retry_delay or 1.0
        while True:
            transfer = Transfer(
                self.process, self.settings, self.texts, self.pool, url, output, number
            )
            code = yield from transfer.run()
            write_out(
                self.settings.write_out,
                transfer.report,
                self.texts.version,
                lambda stream, text: self.process.output(stream, text.encode()),
            )
            reason = self._transient(code, transfer.report.status)
            if tries <= 0 or not reason:
                return code
            self._warn(
                f"Problem: {reason}. Will retry in {delay:g} second{'s' * (delay != 1)}. "
                f"{tries} retr{'y' if tries == 1 else 'ies'} left."
            )
            yield Sleep(delay)
            tries -= 1
            delay = self.settings.retry_delay or delay * 2

    def _warn(self, text: str) -> None:
        if not self.settings.silent or self.settings.show_error:
            self.process.err(f"Warning: {text}\n")

    def _transient(self, code: int, status: int) -> str:
        """Why a failure may be worth another try."""
        if code == 28:
            return "timeout"
        if code in (6, 7) and (self.settings.retry_refused or self.settings.retry_all):
            return "connection refused"
        if status in _TRANSIENT:
            return "HTTP error"
        return "(retrying all errors)" if code and self.settings.retry_all else ""


_HELP = """\
Usage: curl [options...] <url>
 -d, --data <data>          HTTP POST data
 -f, --fail                 Fail fast with no output on HTTP errors
 -h, --help <category>      Get help for commands
 -i, --include              Include response headers in output
 -o, --output <file>        Write to file instead of stdout
 -O, --remote-name          Write output to file named as remote file
 -s, --silent               Silent mode
 -T, --upload-file <file>   Transfer local FILE to destination
 -u, --user <user:password> Server user and password
 -A, --user-agent <name>    Send User-Agent <name> to server
 -v, --verbose              Make the operation more talkative
 -V, --version              Show version number and quit

This is not the full help, this menu is stripped into categories.
Use "--help category" to get an overview of all categories.
For all options use the manual or "--help all".
"""
