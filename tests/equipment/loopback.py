"""An HTTP server on loopback that misbehaves on command.

It knows ranges and validators as a good server does. Each request takes one `Fault` from a list, until none are left.
"""
import hashlib
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Callable
from urllib.parse import unquote


@dataclass
class Fault:
    "How one answer goes wrong."

    status: int = None  # answer with this status and no content
    headers: dict = field(default_factory=dict)  # sent as well, or left out where the value is None
    drop: int = None  # cut the connection after so many bytes of the body
    body: Callable = None  # changes the bytes that are sent
    ranges: bool = True  # False: a server that does not know ranges
    stall: bool = False  # half-way, fall silent until the client hangs up
    then: Callable = lambda: None  # called after the answer, before the connection is closed


class Loopback:
    "A server in a thread: `with Loopback({'a.zip': data}, [Fault(drop=10)]) as server: fetch(server.url('a.zip'), …)`."

    def __init__(self, files: dict, faults: list = ()):
        self.files, self.faults = dict(files), list(faults)
        self.seen = []  # (name, value of the header Range or None) of each request

    def url(self, name: str = "") -> str:
        "Address of a file."
        return f"http://127.0.0.1:{self.server.server_address[1]}/{name}"

    def __enter__(self):
        handler = type("Handler", (LoopbackHandler,), dict(site=self))
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, kwargs=dict(poll_interval=0.02), daemon=True).start()
        return self

    def __exit__(self, *error):
        self.server.shutdown()
        self.server.server_close()


class LoopbackHandler(BaseHTTPRequestHandler):
    "Answers one request to a `Loopback`."

    def do_GET(self):
        name, wanted = unquote(self.path.lstrip("/")), self.headers.get("Range")
        self.site.seen.append((name, wanted))
        fault = self.site.faults.pop(0) if self.site.faults else Fault()
        data = self.site.files.get(name)
        status, start, headers = self.answer(fault, data, wanted)
        body = b""
        if status in (200, 206):
            body = data[start:] if fault.body is None else fault.body(data[start:])
        self.send_response(status)
        for key, value in ({"Content-Length": len(body)} | headers | fault.headers).items():
            if value is not None:
                self.send_header(key, str(value))
        self.end_headers()
        self.send(body, fault)
        fault.then()
        self.close_connection = True

    def answer(self, fault: Fault, data: bytes, wanted: str) -> tuple:  # status, first byte, headers
        "The answer of a good server, unless the fault says which status it has."
        size = len(data or b"")
        tag = f'"{hashlib.md5(data or b"").hexdigest()}"'
        fresh = fault.ranges and self.headers.get("If-Range", tag) == tag
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and fresh else 0
        status = 404 if data is None else 416 if start and start >= size else 206 if start else 200
        status = fault.status or status
        headers = {"ETag": tag}
        if status == 206:
            headers["Content-Range"] = f"bytes {start}-{size - 1}/{size}"
        if status == 416:
            headers["Content-Range"] = f"bytes */{size}"
        return status, start, headers

    def send(self, body: bytes, fault: Fault):
        "Send the body, or as much of it as the fault lets through."
        body = body[: fault.drop]
        half = len(body) // 2 if fault.stall else len(body)
        with suppress(OSError):
            self.wfile.write(body[:half])
            self.wfile.flush()
            if fault.stall:
                self.rfile.read(1)  # returns when the client hangs up
            self.wfile.write(body[half:])

    def log_message(self, *args):
        pass
