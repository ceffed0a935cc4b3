#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
#
# cache-server.py CERTIFICATE KEY - a server of Bazel's HTTP caching protocol on
# two free ports of loopback, for http and https.  Prints the ports, then
# "METHOD PATH STATUS" of each request.
#
# Like bazel-remote, it accepts an ActionResult only if it is a valid message
# whose paths, digests and sizes are valid, and sends it only if all files that it
# names are in the CAS.  It also compares the content of a CAS item with its
# digest.  All entries are in memory.
#
# The first component of a path selects a misbehaviour:
#	/good/	none
#	/moved/	redirects GET to /good
#	/file/	redirects GET to a file
#	/stall/	accepts the request and never answers
#	/far/	takes 40 ms for each answer
#	/late/	sends a part of the answer, then nothing more
#	/error/	answers 500
#	/cut/	sends a part of the answer, then closes the connection
#	/lie/	changes a byte of each CAS item
#	/forge/	changes a byte of each ActionResult
#	/swap/	sends the ActionResult of another key
#	/junk/	sends data that is no ActionResult
#	/endless/	sends data without an end
#	/lost/	has no CAS item
#	/deny/	answers 403 to PUT
#	/upload-stall/	accepts a PUT and never answers
#	/auth/	requires user "me" and password "secret"
#	/token/	requires the header line "X-Token: secret"
#	/away/	redirects GET to another name of this server
#	/no-token/	answers 400 if it gets an X-Token
import base64
import hashlib
import http.server
import os
import re
import ssl
import sys
import threading
import time

from google.protobuf import descriptor_pb2, descriptor_pool, message
from google.protobuf import message_factory

AUTH = "Basic " + base64.b64encode(b"me:secret").decode()
HEX = re.compile("[0-9a-f]{64}$")


def make_class():
    """The messages of REAPI and google.protobuf.Any that a result needs."""
    kinds = descriptor_pb2.FieldDescriptorProto
    fields = {
        "Digest": [("hash", 1, "string"), ("size_bytes", 2, "int64")],
        "OutputFile": [
            ("path", 1, "string"),
            ("digest", 2, "Digest"),
            ("is_executable", 4, "bool"),
            ("contents", 5, "bytes"),
        ],
        "Any": [("type_url", 1, "string"), ("value", 2, "bytes")],
        "Metadata": [
            ("worker", 1, "string"),
            ("auxiliary_metadata", 11, "*Any"),
        ],
        "ActionResult": [
            ("output_files", 2, "*OutputFile"),
            ("exit_code", 4, "int32"),
            ("stdout_raw", 5, "bytes"),
            ("stdout_digest", 6, "Digest"),
            ("stderr_raw", 7, "bytes"),
            ("stderr_digest", 8, "Digest"),
            ("execution_metadata", 9, "Metadata"),
        ],
    }
    file = descriptor_pb2.FileDescriptorProto(
        name="reapi.proto", package="reapi", syntax="proto3"
    )
    for name, members in fields.items():
        m = file.message_type.add(name=name)
        for label, number, kind in members:
            f = m.field.add(name=label, number=number)
            f.label = kinds.LABEL_OPTIONAL
            if kind.startswith("*"):
                f.label = kinds.LABEL_REPEATED
                kind = kind[1:]
            if kind in fields:
                f.type = kinds.TYPE_MESSAGE
                f.type_name = ".reapi." + kind
            else:
                f.type = getattr(kinds, "TYPE_" + kind.upper())
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    found = pool.FindMessageTypeByName("reapi.ActionResult")
    return message_factory.MessageFactory(pool).GetPrototype(found)


ActionResult = make_class()
store = {}
lock = threading.Lock()


def digests(result):
    """Return the digests that the result names."""
    for f in result.output_files:
        if not f.contents:
            yield f.digest
    for name in ("stdout_digest", "stderr_digest"):
        if result.HasField(name):
            yield getattr(result, name)


def parse(data):
    """Return the ActionResult, or None if it is invalid."""
    result = ActionResult()
    try:
        result.ParseFromString(data)
    except message.DecodeError:
        return None
    for f in result.output_files:
        if not f.path or f.path.startswith("/") or not f.HasField("digest"):
            return None
    for d in digests(result):
        if not HEX.match(d.hash) or d.size_bytes < 0:
            return None
    return result if data else None


def is_complete(data):
    for d in digests(parse(data)):
        item = store.get("cas/" + d.hash)
        if item is None or len(item) != d.size_bytes:
            return False
    return True


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 65536

    def log_message(self, *args):
        pass

    def answer(self, status, data=b"", **header):
        # Threads write whole lines, which print() would interleave.
        os.write(1, f"{self.command} {self.path} {int(status)}\n".encode())
        self.send_response(status)
        for name, value in header.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def names(self):
        """Return misbehaviour and key; the key is "ac/..." or "cas/..."."""
        parts = self.path.split("/")
        return parts[1], "/".join(parts[-2:])

    def refused(self, mode):
        """Return the status if the request is refused, else None."""
        if mode == "error":
            return 500
        if mode == "auth" and self.headers["Authorization"] != AUTH:
            return 401
        if mode == "token" and self.headers["X-Token"] != "secret":
            return 403
        if mode == "no-token" and self.headers["X-Token"]:
            return 400
        return 403 if mode == "deny" and self.command == "PUT" else None

    def do_GET(self):
        mode, key = self.names()
        kind = key.split("/")[0]
        with lock:
            data = store.get(key)
            if data is not None and kind == "ac" and not is_complete(data):
                data = None
            if mode == "swap" and kind == "ac":
                others = [k for k in store if k[:2] == "ac" and k != key]
                data = store[others[0]] if others else None
        refused = self.refused(mode)
        if mode == "far":
            time.sleep(0.04)
        if mode == "stall":
            time.sleep(60)
        elif refused:
            self.answer(refused)
        elif mode == "away":
            path = self.path.replace("/away", "/no-token")
            url = "https://localhost:%d%s" % (secure.server_address[1], path)
            self.answer(302, Location=url)
        elif mode == "file":
            self.answer(302, Location="file:///etc/passwd")
        elif mode == "moved":
            self.answer(302, Location=self.path.replace("/moved", "/good"))
        elif mode == "junk" and kind == "ac":
            self.answer(200, b"\xff" * 1000)
        elif mode == "endless":
            self.send_response(200)
            self.end_headers()
            self.close_connection = True
            try:
                while True:
                    self.wfile.write(b"x" * 65536)
            except OSError:
                pass
        elif data is None or (mode == "lost" and kind == "cas"):
            self.answer(404)
        elif mode in ("cut", "late"):
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[: len(data) // 2])
            self.wfile.flush()
            self.close_connection = True
            if mode == "late":
                time.sleep(60)
        elif (mode, kind) in (("lie", "cas"), ("forge", "ac")):
            data = bytearray(data)
            data[len(data) // 2] ^= 1
            self.answer(200, bytes(data))
        else:
            self.answer(200, data)

    do_HEAD = do_GET

    def do_PUT(self):
        mode, key = self.names()
        data = self.rfile.read(int(self.headers["Content-Length"]))
        kind, name = key.split("/")
        refused = self.refused(mode)
        if mode in ("stall", "upload-stall"):
            time.sleep(60)
        elif refused:
            self.answer(refused)
        elif not HEX.match(name) or kind not in ("ac", "cas"):
            self.answer(400)
        elif kind == "cas" and hashlib.sha256(data).hexdigest() != name:
            self.answer(400)
        elif kind == "ac" and parse(data) is None:
            self.answer(400)
        elif kind == "ac" and not is_complete(data):
            self.answer(412)
        else:
            with lock:
                store[key] = data
            self.answer(200)


def serve():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    return server


plain = serve()
secure = serve()
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(*sys.argv[1:3])
secure.socket = context.wrap_socket(
    secure.socket, server_side=True, do_handshake_on_connect=False
)
threading.Thread(target=secure.serve_forever, daemon=True).start()
print(plain.server_address[1], secure.server_address[1], flush=True)
plain.serve_forever()
