"""An S3 server for tests: moto, with writes one at a time, real signatures, and faults on demand.

    python server.py --bucket lake [--limit SECONDS]

* It listens on a free port of the loopback and says so in its first line: ``listening on http://127.0.0.1:PORT``.
* It ends when its standard input is closed, so that it never outlives the test that started it, or at the limit.
* Writes take a lock. moto itself looks whether a key is there and creates it in two steps, so that of two writers with
  ``If-None-Match: *`` both could win; a store that does that is no S3.
* Signatures (Signature Version 4) are checked, with one pair of keys.
* ``/_test/faults`` takes what is to go wrong (see :class:`Fault`), ``/_test/requests`` tells what was asked.
"""

import argparse
import hashlib
import hmac
import io
import json
import logging
import os
import socket
import sys
import threading
import time
import urllib.parse
from dataclasses import dataclass

from moto.moto_server.werkzeug_app import create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.test import Client

KEY_ID = "TESTKEY"
SECRET = "test+secret/with=signs"
WRITES = ("PUT", "POST", "DELETE")


@dataclass
class Fault:
    """What goes wrong with requests of a method, for keys of the lake that begin so.

    ``do`` is one of

    * ``lose-request``: the connection breaks before anything is done;
    * ``lose-answer``: the connection breaks after everything was done;
    * ``status``: an error of this HTTP status is the answer, and nothing is done;
    * ``ignore-condition``: ``If-None-Match`` and ``If-Match`` are taken away;
    * ``gone-before``, ``gone-after``: as the first two, and for some seconds every connection breaks.
    """

    do: str
    method: str = "PUT"
    key: str = ""
    times: int = 1
    status: int = 503
    seconds: float = 0.0

    def fits(self, method: str, key: str) -> bool:
        return self.times > 0 and self.method == method and key.startswith(self.key)


class Front:
    """What stands before moto."""

    def __init__(self, app, bucket: str, prefix: str):
        self.app = app
        self.root = f"/{bucket}/{prefix}"
        self.writes = threading.Lock()
        self.state = threading.Lock()
        self.faults: list[Fault] = []
        self.requests: list[dict] = []
        self.gone_until = 0.0

    def __call__(self, environ, start_response):
        path = environ["PATH_INFO"]
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length)
        environ["wsgi.input"] = io.BytesIO(body)
        if path.startswith("/_test/"):
            return self.control(environ, start_response, path, body)
        if time.monotonic() < self.gone_until:
            self.cut(environ)
        refusal = check_signature(environ, body)
        if refusal:
            return error(start_response, 403, refusal)
        method, key = environ["REQUEST_METHOD"], path.removeprefix(self.root).lstrip("/")
        record = {"method": method, "key": key, "query": environ["QUERY_STRING"], "bytes": length, "status": 0}
        with self.state:
            self.requests.append(record)
            fault = next((fault for fault in self.faults if fault.fits(method, key)), None)
            if fault:
                fault.times -= 1
        if fault and fault.do in ("lose-request", "gone-before"):
            self.begin_absence(fault)
            self.cut(environ)
        if fault and fault.do == "status":
            record["status"] = fault.status
            codes = {409: "ConditionalRequestConflict", 503: "SlowDown"}
            return error(start_response, fault.status, codes.get(fault.status, "InternalError"))
        if fault and fault.do == "ignore-condition":
            environ.pop("HTTP_IF_NONE_MATCH", None)
            environ.pop("HTTP_IF_MATCH", None)
        status, headers, answer = self.ask(environ)
        record["status"] = int(status.split(" ")[0])
        if fault and fault.do in ("lose-answer", "gone-after"):
            self.begin_absence(fault)
            self.cut(environ)
        start_response(status, headers)
        return [answer]

    def ask(self, environ):
        """What moto answers: status, headers, body."""
        given = []

        def start(status, headers, exc_info=None):
            given.append((status, headers))

        def run() -> bytes:
            parts = self.app(environ, start)
            try:
                return b"".join(parts)
            finally:
                getattr(parts, "close", lambda: None)()

        if environ["REQUEST_METHOD"] in WRITES:
            with self.writes:
                answer = run()
        else:
            answer = run()
        status, headers = given[0]
        return status, headers, answer

    def begin_absence(self, fault: Fault):
        if fault.do.startswith("gone"):
            self.gone_until = time.monotonic() + fault.seconds

    def cut(self, environ):
        """Breaks the connection without an answer."""
        environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        raise ConnectionResetError("as the test wants it")

    def control(self, environ, start_response, path, body):
        with self.state:
            if path == "/_test/faults":
                self.faults = [Fault(**fault) for fault in json.loads(body)]
                self.gone_until = 0.0
                answer = "null"
            elif environ["REQUEST_METHOD"] == "DELETE":
                self.requests = []
                answer = "null"
            else:
                answer = json.dumps(self.requests)
        start_response("200 OK", [("Content-Type", "application/json")])
        return [answer.encode()]


def error(start_response, status: int, code: str):
    body = f"<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>for a test</Message></Error>".encode()
    start_response(f"{status} {code}", [("Content-Type", "application/xml"), ("Content-Length", str(len(body)))])
    return [body]


def check_signature(environ, body: bytes) -> str | None:
    """The code of S3's refusal, or nothing if the request is signed with the keys of this server."""
    scheme, _, rest = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    fields = dict(part.strip().split("=", 1) for part in rest.split(",") if "=" in part)
    if scheme != "AWS4-HMAC-SHA256" or not {"Credential", "SignedHeaders", "Signature"} <= fields.keys():
        return "AccessDenied"
    key_id, day, region, service, terminator = fields["Credential"].split("/")
    if key_id != KEY_ID:
        return "InvalidAccessKeyId"
    path, _, query = environ["REQUEST_URI"].partition("?")
    pairs = sorted(urllib.parse.parse_qsl(query, keep_blank_values=True))
    quoted = "&".join("=".join(urllib.parse.quote(part, safe="-_.~") for part in pair) for pair in pairs)
    content = environ.get("HTTP_X_AMZ_CONTENT_SHA256", "UNSIGNED-PAYLOAD")
    if content != "UNSIGNED-PAYLOAD" and content != hashlib.sha256(body).hexdigest():
        return "XAmzContentSHA256Mismatch"
    names = fields["SignedHeaders"].split(";")
    headers = "".join(f"{name}:{' '.join(header(environ, name).split())}\n" for name in names)
    canonical = "\n".join([environ["REQUEST_METHOD"], path, quoted, headers, ";".join(names), content])
    scope = f"{day}/{region}/{service}/{terminator}"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = "\n".join(["AWS4-HMAC-SHA256", environ.get("HTTP_X_AMZ_DATE", ""), scope, digest])
    key = f"AWS4{SECRET}".encode()
    for part in (day, region, service, terminator, text):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return None if hmac.compare_digest(key.hex(), fields["Signature"]) else "SignatureDoesNotMatch"


def header(environ, name: str) -> str:
    variable = name.upper().replace("-", "_")
    return environ.get(variable if variable in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{variable}", "")


class QuietHandler(WSGIRequestHandler):
    """Says nothing of each request."""

    protocol_version = "HTTP/1.1"

    def log(self, type, message, *args):
        pass


def end_with_standard_input():
    while sys.stdin.buffer.read(4096):
        pass
    os._exit(0)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bucket", default="lake")
    parser.add_argument("--prefix", default="some/where")
    parser.add_argument("--limit", type=float, default=600.0)
    arguments = parser.parse_args()
    logging.disable(logging.CRITICAL)
    app = create_backend_app("s3")
    Client(app).put(f"/{arguments.bucket}", base_url="http://127.0.0.1")
    server = make_server(
        "127.0.0.1", 0, Front(app, arguments.bucket, arguments.prefix), threaded=True, request_handler=QuietHandler
    )
    threading.Thread(target=end_with_standard_input, daemon=True).start()
    timer = threading.Timer(arguments.limit, os._exit, args=[3])
    timer.daemon = True
    timer.start()
    print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
