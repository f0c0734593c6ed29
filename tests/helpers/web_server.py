"""A web server on loopback that can fail in many ways, and fixtures that serve it."""

import contextlib
import random
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from imgxlate.downloads.partials import Patience

CERTIFICATE = Path(__file__).with_name("loopback.pem")
QUICK = Patience(connect=5, stall=0.5, tries=2, backoff=0.01, lock=30)


@dataclass
class Offer:
    """The answer of the server to a path: `body`, sent well or with a `fault`."""

    body: bytes
    fault: str = "none"
    etag: str | None = '"first"'
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 200
    pause_at: int = 0  # the byte at which "paused" waits for `resume`, and "breaks off" ends
    resume: Callable[[], object] = bool  # such as the `wait` of an event or of a barrier


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "WebServer"

    def do_GET(self):
        self.server.seen.append((self.path, self.headers.get("Range")))
        offer = self.server.offers[self.path]
        self.close_connection = True
        with contextlib.suppress(
            BrokenPipeError, ConnectionResetError
        ):  # The client was killed, or closed the connection.
            FAULTS[offer.fault](self, offer)

    def begin(self, status, length=None, **headers):
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.send_header("Connection", "close")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def send(self, data):
        for start in range(0, len(data), 1 << 16):
            self.wfile.write(data[start : start + (1 << 16)])
            self.server.sent += len(data[start : start + (1 << 16)])

    def log_message(self, *_):
        pass


def serve(handler, offer, send=None):
    """Answer as a correct server: obey Range if If-Range names the present file."""
    total, wanted = len(offer.body), handler.headers.get("Range", "bytes=0-")
    same = handler.headers.get("If-Range") in (offer.etag, offer.headers.get("Last_Modified"))
    start = int(wanted.removeprefix("bytes=").rstrip("-")) if same else 0
    headers = offer.headers | ({"ETag": offer.etag} if offer.etag else {})
    if start:
        handler.begin(206, total - start, Content_Range=f"bytes {start}-{total - 1}/{total}", **headers)
    else:
        handler.begin(200, total, **headers)
    (send or handler.send)(offer.body[start:])


def answer_status(handler, offer):
    handler.begin(offer.status, len(offer.body), **offer.headers)
    handler.send(offer.body)


def break_off(handler, offer):
    serve(handler, offer, lambda rest: handler.send(rest[: offer.pause_at]))


def pause(handler, offer):
    def send(rest):
        handler.send(rest[: offer.pause_at])
        offer.resume()
        handler.send(rest[offer.pause_at :])

    serve(handler, offer, send)


def ignore_range(handler, offer):
    handler.begin(200, len(offer.body), ETag=offer.etag)
    handler.send(offer.body)


def neglect_if_range(handler, offer):
    """Obey Range although If-Range names another file."""
    start = int(handler.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
    total = len(offer.body)
    if not start:
        return serve(handler, offer)
    handler.begin(206, total - start, Content_Range=f"bytes {start}-{total - 1}/{total}", ETag=offer.etag)
    return handler.send(offer.body[start:])


def refuse_range(handler, offer):
    if "Range" in handler.headers:
        return handler.begin(416, 0, Content_Range=f"bytes */{len(offer.body)}")
    return serve(handler, offer)


def hide_length(handler, offer):
    handler.begin(200, None, ETag=offer.etag)
    handler.send(offer.body)


def send_chunks(handler, offer):
    handler.begin(200, None, Transfer_Encoding="chunked", ETag=offer.etag)
    for start in range(0, len(offer.body), 1 << 16):
        piece = offer.body[start : start + (1 << 16)]
        handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
    handler.wfile.write(b"0\r\n\r\n")


def fail_once(handler, offer):
    if len(handler.server.seen) == 1:
        return handler.begin(503, 0)
    return serve(handler, offer)


FAULTS = {
    "none": serve,
    "status": answer_status,
    "breaks off": break_off,
    "paused": pause,
    "ignores Range": ignore_range,
    "neglects If-Range": neglect_if_range,
    "refuses Range": refuse_range,
    "hides length": hide_length,
    "chunked": send_chunks,
    "fails once": fail_once,
}


class WebServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, certificate: Path | None = None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.offers: dict[str, Offer] = {}
        self.seen: list[tuple[str, str | None]] = []  # path and Range of each request
        self.sent = 0  # bytes of bodies
        self.scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True)
            self.scheme = "https"

    def url(self, path: str) -> str:
        return f"{self.scheme}://127.0.0.1:{self.server_port}{path}"

    def offer(self, path: str, body: bytes = b"", **how) -> str:
        self.offers[path] = Offer(body, **how)
        return self.url(path)

    def handle_error(self, request, client_address):
        pass  # A handshake that the client refused.


def running(server: WebServer) -> Iterator[WebServer]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def server():
    yield from running(WebServer())


@pytest.fixture
def secure_server():
    yield from running(WebServer(CERTIFICATE))


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    for name in ("IMGXLATE_OFFLINE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("IMGXLATE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def body():
    """Random bytes, more than any buffer holds."""
    return random.Random(0).randbytes(3_000_000)
