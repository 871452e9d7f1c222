"""One transfer of curl: ask, read, follow."""

from __future__ import annotations

from minik8s.guests.base import Close, Process, Receive, Send, Steps
from minik8s.guests.curl_connect import connection_to
from minik8s.guests.curl_context import TICK, Context, Pool, TransferError
from minik8s.guests.curl_meter import NEW, OLD, Meter
from minik8s.guests.curl_options import Settings, basic_authorization
from minik8s.guests.curl_output import Sink
from minik8s.guests.curl_texts import (
    GOT_NOTHING,
    HTTP_RETURNED_ERROR,
    PARTIAL_FILE,
    RECV_ERROR,
    TOO_MANY_REDIRECTS,
    UNSUPPORTED_PROTOCOL,
    URL_MALFORMAT,
    Failure,
    Texts,
)
from minik8s.guests.curl_writeout import Report
from minik8s.guests.errors import failure, strerror
from minik8s.guests.http import MalformedMessage, ResponseReader
from minik8s.guests.urls import DEFAULT_PORTS, MalformedUrl, Url, parse_url
from minik8s.network import Connection


class Transfer:
    """Fetches one URL; `report` tells afterwards what has been."""

    def __init__(
        self,
        process: Process,
        settings: Settings,
        texts: Texts,
        pool: Pool,
        url: str,
        output: str | None,
        number: int,
    ) -> None:
        self.process = process
        self.settings = settings
        self.texts = texts
        self.report = Report(url=url, number=number, effective=url)
        self.sink = Sink(process, settings, output, links=texts.since(7, 83))
        look = NEW if texts.since(8, 18) else OLD
        self.meter = Meter(process, look, shown=self._shows_meter(output))
        now = process.clock.now
        self.context = Context(
            process, settings, texts, pool, self.report, self.meter, start=now, single=now
        )

    def _shows_meter(self, output: str | None) -> bool:
        if self.settings.silent or self.settings.no_meter:
            return False
        return not self.process.tty or output not in (None, "-")

    # -- the whole

    def run(self) -> Steps[int]:
        """Fetch the URL and say what went wrong; gives curl's exit code."""
        why: Failure | None = None
        try:
            yield from self._follow(self._parse(self.report.url))
        except TransferError as error:
            why = error.why
        self._end_meter(why)
        self.report.total = self.process.clock.now - self.context.start
        if why is None:
            return 0
        self.report.exit_code, self.report.error = why.code, why.text
        if why.text and (not self.settings.silent or self.settings.show_error):
            self.process.err(f"curl: ({why.code}) {why.text}\n")
            if why.text.startswith("SSL certificate"):
                self.process.err(self.texts.certificate_advice)
        return why.code

    def _end_meter(self, why: Failure | None) -> None:
        if why is None or why.code not in (UNSUPPORTED_PROTOCOL, URL_MALFORMAT):
            self.meter.end()

    def _parse(self, text: str) -> Url:
        try:
            url = parse_url(text)
        except MalformedUrl:
            raise TransferError(self.texts.malformed()) from None
        if url.scheme not in DEFAULT_PORTS:
            raise TransferError(self.texts.unsupported_protocol(url.scheme))
        self.sink.name_after(url)
        self.report.effective = _effective(text, url)
        if self.settings.get and self.settings.data:
            url = url.with_query(b"&".join(self.settings.data).decode())
            self.report.effective = str(url)
        return url

    def _follow(self, url: Url) -> Steps[None]:
        self.meter.begin()
        method = self._method()
        while True:
            self.context.single = self.process.clock.now
            reader = yield from self._exchange(url, method)
            location = reader.header("Location") if 300 <= reader.status < 400 else ""
            if location:
                self.report.redirect_url = str(url.join(location))
            if not location or not self.settings.follow:
                return
            if self.report.redirects == self.settings.max_redirects:
                text = f"Maximum ({self.settings.max_redirects}) redirects followed"
                raise TransferError(Failure(TOO_MANY_REDIRECTS, text))
            self.report.redirects += 1
            self.report.redirect += self.process.clock.now - self.context.single
            before, url = url, url.join(location)
            if url.scheme not in DEFAULT_PORTS:
                raise TransferError(self.texts.unsupported_protocol(url.scheme))
            if url.port != before.port and self.texts.since(7, 83):
                text = f"redirects to port from {before.port} to {url.port}"
                self.context.say(f"* Clear auth, {text}\n")
            self.context.say(f"* Issue another request to this URL: '{url}'\n")
            self.report.effective, self.report.redirect_url = str(url), ""
            if reader.status in (301, 302, 303) and not self.settings.method:
                method = "HEAD" if method == "HEAD" else "GET"

    def _method(self) -> str:
        if self.settings.method:
            return self.settings.method
        if self.settings.head:
            return "HEAD"
        return "POST" if self.settings.has_data and not self.settings.get else "GET"

    def _exchange(self, url: Url, method: str) -> Steps[ResponseReader]:
        """Ask once; again over a new connection if a kept one turns out to be dead."""
        connects = self.report.connects
        try:
            return (yield from self._ask(url, method))
        except TransferError as error:
            if error.why.code != GOT_NOTHING or self.report.connects > connects:
                raise
        self.context.say("* Connection died, retrying a fresh connect (retry count: 1)\n")
        return (yield from self._ask(url, method))

    def _ask(self, url: Url, method: str) -> Steps[ResponseReader]:
        connection, number = yield from connection_to(self.context, url)
        head, body = self._request(url, method)
        self._say_request(head, body)
        yield Send(connection, head + body)
        self.report.request_size += len(head + body)
        self.report.uploaded = self.meter.upload = len(body)
        self.report.pretransfer = self.context.spent()
        reader = ResponseReader(head_only=method == "HEAD" or self.settings.head)
        yield from self._read(connection, reader, number)
        yield from self._keep_or_close(url, connection, reader, number)
        self._judge(reader)
        return reader

    def _judge(self, reader: ResponseReader) -> None:
        fails = self.settings.fail or self.settings.fail_with_body
        if fails and reader.status >= 400:
            status = str(reader.status)
            if not self.texts.since(7, 76):
                status += f" {reader.reason}"
            text = f"The requested URL returned error: {status}"
            raise TransferError(Failure(HTTP_RETURNED_ERROR, text))

    def _keep_or_close(
        self, url: Url, connection: Connection, reader: ResponseReader, number: int
    ) -> Steps[None]:
        if reader.keeps_alive and not connection.eof and not self._fails(reader):
            self.context.pool.connections[url.scheme, url.host, url.port] = (connection, number)
            self.context.say(self.texts.kept(url.host, url.port, number))
        else:
            self.context.say(self.texts.closing(number))
            yield Close(connection)

    def _fails(self, reader: ResponseReader) -> bool:
        return self.settings.fail and reader.status >= 400

    # -- request and answer

    def _request(self, url: Url, method: str) -> tuple[bytes, bytes]:
        """The head and the body that are sent."""
        settings = self.settings
        body = b""
        if settings.has_data and not settings.get and method not in ("GET", "HEAD"):
            body = (b"" if settings.json else b"&").join(settings.data)
        agent = self.texts.user_agent if settings.user_agent is None else settings.user_agent
        user = settings.user or url.user
        own = {
            "Host": url.authority,
            "Authorization": basic_authorization(user) if user else "",
            "Range": f"bytes={settings.range}" if settings.range else "",
            "User-Agent": agent,
            "Accept": "*/*",
            "Referer": settings.referer,
            "Cookie": settings.cookie,
        }
        given = {line.partition(":")[0].strip().lower(): line for line in settings.headers}
        lines = [f"{method} {url.target} {settings.http_version}"]
        lines.append(given.get("host", f"Host: {url.authority}"))
        unwanted = given.keys() | settings.removed_headers | {"host"}
        lines += [f"{k}: {v}" for k, v in own.items() if v and k.lower() not in unwanted]
        lines += [line for name, line in given.items() if name != "host"]
        if settings.has_data and not settings.get:
            extra = {
                "Content-Length": str(len(body)),
                "Content-Type": "application/x-www-form-urlencoded",
            }
            lines += [f"{k}: {v}" for k, v in extra.items() if k.lower() not in unwanted]
        if user:
            name = user.partition(":")[0]
            self.context.say(f"* Server auth using Basic with user '{name}'\n")
        self.report.method = method
        return "\r\n".join([*lines, "", ""]).encode(), body

    def _read(self, connection: Connection, reader: ResponseReader, number: int) -> Steps[None]:
        whole = self.context.deadline()
        deadline = None if whole is None else whole + TICK
        while not reader.complete:
            data = yield Receive(connection, self._patience(deadline))
            if data is None:
                if deadline is not None and self.process.clock.now >= deadline:
                    self._give_up(connection, reader, number)
                self.meter.tick()
                continue
            if data == b"":
                self._ended(connection, reader, number)
                break
            self._take(reader, data)

    def _patience(self, deadline: float | None) -> float | None:
        stop = self.meter.next_row if deadline is None else self.context.next_stop(deadline)
        return None if stop is None else max(0.0, stop - self.process.clock.now)

    def _take(self, reader: ResponseReader, data: bytes) -> None:
        had_head = bool(reader.head)
        if not self.report.start_transfer:
            self.report.start_transfer = self.context.spent()
        try:
            body = reader.feed(data)
        except MalformedMessage:
            text = "Received HTTP/0.9 when not allowed"
            raise TransferError(Failure(UNSUPPORTED_PROTOCOL, text)) from None
        if reader.head and not had_head:
            self._head(reader)
        if body:
            shown = not (self.settings.follow and reader.header("Location"))
            if not shown:
                self.context.say("* Ignoring the response-body\n")
            self._say_data("{", reader.raw)
            if shown and not self._fails(reader):
                self.report.downloaded += len(body)
                self.meter.received += len(body)
                problem = self.sink.write(body)
                if problem is not None:
                    raise TransferError(problem)

    def _head(self, reader: ResponseReader) -> None:
        self.report.status, self.report.version = reader.status, reader.version
        self.report.headers = reader.headers
        self.report.header_size += len(reader.head)
        self.meter.total = reader.length
        if self.settings.verbose:
            self.context.say(self.texts.first_answer)
            if reader.version == "HTTP/1.0" and not reader.keeps_alive:
                self.context.say("* HTTP 1.0, assume close after body\n")
            for line in reader.head.decode("latin-1").splitlines(keepends=True):
                self.context.say(f"< {line}")
        self.sink.write_head(reader.head)

    def _give_up(self, connection: Connection, reader: ResponseReader, number: int) -> None:
        why = self.texts.operation_timed_out(self.context.ms(), reader.received, reader.length)
        connection.close()
        self.context.say(f"* {why.text}\n{self.texts.closing(number)}")
        raise TransferError(why)

    def _ended(self, connection: Connection, reader: ResponseReader, number: int) -> None:
        if connection.state == "reset" or failure(connection) in ("timed out", "unreachable"):
            reason = strerror(failure(connection), self.process.container.image.libc)
            why = Failure(RECV_ERROR, f"Recv failure: {reason}")
        elif not reader.head:
            why = Failure(GOT_NOTHING, "Empty reply from server")
        elif reader.end():
            return
        elif reader.length is not None:
            left = reader.length - reader.received
            text = f"transfer closed with {left} bytes remaining to read"
            if self.texts.since(8, 10):
                text = f"end of response with {left} bytes missing"
            why = Failure(PARTIAL_FILE, text)
        else:
            why = Failure(PARTIAL_FILE, "transfer closed with outstanding read data remaining")
        connection.close()
        self.context.say(f"* {why.text}\n{self.texts.closing(number)}")
        raise TransferError(why)

    # -- talk

    def _say_data(self, mark: str, size: int) -> None:
        """What `-v` shows of a body that does not go to the terminal."""
        if not (self.process.tty and self.sink.to_stdout):
            self.context.say(f"{mark} [{size} bytes data]\n")

    def _say_request(self, head: bytes, body: bytes) -> None:
        for line in head.decode("latin-1").splitlines(keepends=True):
            self.context.say(f"> {line}")
        if body:
            self._say_data("}", len(body))
        self.context.say(self.texts.request_sent)


def _effective(typed: str, url: Url) -> str:
    """`%{url_effective}`: the URL as typed, completed with scheme and path."""
    text = typed if "://" in typed else f"{url.scheme}://{typed}"
    return text if "/" in text.split("://", 1)[1] else f"{text}/"
