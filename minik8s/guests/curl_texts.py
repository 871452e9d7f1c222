"""What curl says, by version: the same failure has had many wordings.

Measured on 7.66.0, 7.74.0, 7.88.1 and 8.21.0 (`tests/data/guests/kernel.json`); the versions
between them follow curl's own change log.
"""

from __future__ import annotations

from dataclasses import dataclass

from minik8s.guests.catalogue import Image
from minik8s.guests.errors import strerror

DEFAULT_VERSION = "8.21.0"

OK = 0
UNSUPPORTED_PROTOCOL = 1
FAILED_INIT = 2
URL_MALFORMAT = 3
COULDNT_RESOLVE_HOST = 6
COULDNT_CONNECT = 7
HTTP_RETURNED_ERROR = 22
WRITE_ERROR = 23
PARTIAL_FILE = 18
OPERATION_TIMEDOUT = 28
SSL_CONNECT_ERROR = 35
TOO_MANY_REDIRECTS = 47
GOT_NOTHING = 52
RECV_ERROR = 56
PEER_FAILED_VERIFICATION = 60


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a transfer failed: curl's exit code and what it says about it."""

    code: int
    text: str


@dataclass(frozen=True, slots=True)
class Texts:
    """The wordings of one curl build."""

    version: str
    image: Image

    @property
    def _number(self) -> tuple[int, int]:
        major, minor = self.version.split(".")[:2]
        return int(major), int(minor)

    def since(self, major: int, minor: int) -> bool:
        """Whether this curl is at least of a version."""
        return self._number >= (major, minor)

    @property
    def user_agent(self) -> str:
        """What the User-Agent header says."""
        return f"curl/{self.version}"

    def banner(self) -> str:
        """The answer to `curl --version`."""
        musl = self.image.libc == "musl"
        platform = "x86_64-alpine-linux-musl" if musl else "x86_64-pc-linux-gnu"
        resolver = " c-ares/1.34.5" if self.image.resolver == "c-ares" else ""
        return (
            f"curl {self.version} ({platform}) libcurl/{self.version} OpenSSL/{self._openssl}"
            f" zlib/1.3.1{resolver}\n"
            "Release-Date: [unreleased]\n"
            "Protocols: http https\n"
            "Features: AsynchDNS HTTPS-proxy IPv6 Largefile libz SSL UnixSockets\n"
        )

    @property
    def _openssl(self) -> str:
        return "3.0.19" if self.since(7, 80) else "1.1.1n"

    @property
    def try_help(self) -> str:
        """The line that follows a usage error."""
        return "curl: try 'curl --help' or 'curl --manual' for more information\n"

    @property
    def no_url(self) -> str:
        """What curl says when no URL was given."""
        if self.since(8, 0):
            return "curl: (2) no URL specified\n"
        return "" if self.since(7, 78) else "curl: no URL specified!\n"

    @property
    def waits_for_resolver(self) -> bool:
        """Whether this curl cannot leave its resolver's thread behind (before 7.87)."""
        return not self.since(7, 87) and self.image.resolver != "c-ares"

    def resolving_timed_out(self, ms: int) -> Failure:
        """The time ran out before the name was resolved."""
        return Failure(OPERATION_TIMEDOUT, f"Resolving timed out after {ms} milliseconds")

    def unresolved(self, host: str, reason: str) -> Failure:
        """The name was not resolved; c-ares gives its reason."""
        if self.image.resolver == "c-ares":
            return Failure(COULDNT_RESOLVE_HOST, f"Could not resolve: {host} ({reason})")
        return Failure(COULDNT_RESOLVE_HOST, f"Could not resolve host: {host}")

    def connect_timed_out(
        self, host: str, port: int, ms: int, *, by_max_time: bool, several: bool
    ) -> Failure:
        """The connection was not there in time."""
        text = f"Connection timed out after {ms} milliseconds"
        if self.since(7, 87) and not self.since(8, 10):
            if several:
                text = f"Connection timeout after {ms} ms"
            elif not by_max_time:
                text = f"Failed to connect to {host} port {port} after {ms} ms: Timeout was reached"
        elif self.since(7, 78) and not self.since(7, 87):
            text = f"Connection timeout after {ms} ms"
        return Failure(OPERATION_TIMEDOUT, text)

    def connect_failed(self, host: str, port: int, ms: int, error: str) -> Failure:
        """Nobody answered well: refused, unreachable, or the kernel gave up."""
        why = strerror(error, self.image.libc)
        code = COULDNT_CONNECT
        if error == "timed out" and self.since(7, 87):
            code = OPERATION_TIMEDOUT
        if not self.since(7, 78):
            return Failure(code, f"Failed to connect to {host} port {port}: {why}")
        if self.since(7, 87):
            why = (
                "Could not connect to server"
                if self.since(8, 10)
                else ("Couldn't connect to server")
            )
        place = f"{host}:{port}" if self.since(8, 17) else f"{host} port {port}"
        return Failure(code, f"Failed to connect to {place} after {ms} ms: {why}")

    def operation_timed_out(self, ms: int, received: int, total: int | None) -> Failure:
        """`-m` ran out while the answer was awaited."""
        amount = f"{received} bytes" if total is None else f"{received} out of {total} bytes"
        return Failure(
            OPERATION_TIMEDOUT,
            f"Operation timed out after {ms} milliseconds with {amount} received",
        )

    def unsupported_protocol(self, scheme: str) -> Failure:
        """A scheme that this curl does not speak."""
        if self.since(8, 0):
            return Failure(UNSUPPORTED_PROTOCOL, f'Protocol "{scheme}" not supported')
        return Failure(
            UNSUPPORTED_PROTOCOL, f'Protocol "{scheme}" not supported or disabled in libcurl'
        )

    def malformed(self) -> Failure:
        """Something that is no URL."""
        if self.since(8, 0):
            return Failure(URL_MALFORMAT, "URL rejected: Malformed input to a URL function")
        return Failure(URL_MALFORMAT, "URL using bad/illegal format or missing URL")

    def not_tls(self) -> Failure:
        """The other end does not speak TLS."""
        if self.since(8, 10):
            text = "TLS connect error: error:0A00010B:SSL routines::wrong version number"
        elif self.since(7, 80):
            text = f"OpenSSL/{self._openssl}: error:0A00010B:SSL routines::wrong version number"
        else:
            text = "error:1408F10B:SSL routines:ssl3_get_record:wrong version number"
        return Failure(SSL_CONNECT_ERROR, text)

    def unverified(self, why: str) -> Failure:
        """A certificate that no known authority has signed, or of another name."""
        return Failure(PEER_FAILED_VERIFICATION, f"SSL certificate problem: {why}")

    @property
    def certificate_advice(self) -> str:
        """The lines that follow a certificate problem."""
        site = "curl.se" if self.since(7, 74) else "curl.haxx.se"
        advice = (
            f"More details here: https://{site}/docs/sslcerts.html\n\n"
            "curl failed to verify the legitimacy of the server and therefore could not\n"
            "establish a secure connection to it. To learn more about this situation and\n"
        )
        if self.since(8, 10):
            return advice + "how to fix it, please visit the webpage mentioned above.\n"
        return advice + "how to fix it, please visit the web page mentioned above.\n"

    def connecting(self, address: str, port: int) -> str:
        """The verbose line of a connection attempt."""
        shown = f"[{address}]" if ":" in address else address
        nodelay = "" if self.since(7, 78) else "* TCP_NODELAY set\n"
        return f"*   Trying {shown}:{port}...\n{nodelay}"

    def resolved(self, host: str, port: int, addresses: list[str]) -> str:
        """The verbose lines about a name, which newer versions have."""
        if not self.since(8, 8):
            return ""
        v6 = ", ".join(a for a in addresses if ":" in a) or "(none)"
        v4 = ", ".join(a for a in addresses if ":" not in a) or "(none)"
        return f"* Host {host}:{port} was resolved.\n* IPv6: {v6}\n* IPv4: {v4}\n"

    def connected(
        self, host: str, remote: tuple[str, int], local: tuple[str, int], number: int
    ) -> str:
        """The verbose line of an established connection."""
        address, port = remote
        if self.since(8, 16):
            return (
                f"* Established connection to {host} ({address} port {port}) "
                f"from {local[0]} port {local[1]} \n* using HTTP/1.x\n"
            )
        mark = "" if self.since(8, 5) else f" (#{number})"
        return f"* Connected to {host} ({address}) port {port}{mark}\n"

    def attempt_failed(self, remote: tuple[str, int], local: tuple[str, int], error: str) -> str:
        """The verbose line of one address that did not answer well."""
        source = f" from {local[0]} port {local[1]}" if self.since(8, 6) else ""
        why = strerror(error, self.image.libc)
        return f"* connect to {remote[0]} port {remote[1]}{source} failed: {why}\n"

    def reused(self, host: str, remote: tuple[str, int], number: int, heap: int) -> str:
        """The verbose lines of a connection that is used once more.

        Some versions show where in the `heap` they keep it.
        """
        if self.since(8, 5):
            return f"* Re-using existing connection with host {host}\n"
        if self.since(7, 80):
            return (
                f"* Found bundle for host: {heap:#x} [serially]\n"
                "* Can not multiplex, even if we wanted to\n"
                f"* Re-using existing connection #{number} with host {host}\n"
            )
        return (
            f"* Found bundle for host {host}: {heap:#x} [serially]\n"
            "* Can not multiplex, even if we wanted to!\n"
            f"* Re-using existing connection! (#{number}) with host {host}\n"
            f"* Connected to {host} ({remote[0]}) port {remote[1]} (#{number})\n"
        )

    def kept(self, host: str, port: int, number: int) -> str:
        """The verbose line of a connection that stays open."""
        place = f"{host}:{port}" if self.since(8, 16) else host
        return f"* Connection #{number} to host {place} left intact\n"

    def closing(self, number: int) -> str:
        """The verbose line of a connection that is closed."""
        return (
            f"* closing connection #{number}\n"
            if self.since(8, 10)
            else (f"* Closing connection {number}\n")
        )

    @property
    def request_sent(self) -> str:
        """The verbose line after the request, which newer versions have."""
        return "* Request completely sent off\n" if self.since(8, 8) else ""

    @property
    def first_answer(self) -> str:
        """The verbose line before the answer, which older versions have."""
        old = self.since(7, 65) and not self.since(7, 86)
        return "* Mark bundle as not supporting multiuse\n" if old else ""
