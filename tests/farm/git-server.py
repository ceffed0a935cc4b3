#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
#
# git-server.py ROOT - git over HTTP on a free port of loopback, by
# git-http-backend.  Prints the port, then the path of each request.
#
# The first component of a path selects a misbehaviour:
#	/auth/	requires user "me" and password "secret"
#	/busy/	the same, but then answers 503
#	/moved/	redirects (302) to the path without /moved
#	/hang/	accepts the request and never answers
#	/stall/	sends a part of the pack, then nothing more
#	/late/	sends the pack without its end, then nothing more
#	/cut/	sends a part of the pack, then closes the connection
#	/lie/	changes a byte of the pack
#	/dumb/	sends a file, as a server without git's smart protocol
#	/junk/	sends data that is not git's protocol
#	/name/	sends a branch name for HEAD that is git configuration
import base64
import http.server
import os
import subprocess
import sys
import time

ROOT = sys.argv[1]
PART = 3000  # bytes of a pack that is not sent to its end
AUTH = "Basic " + base64.b64encode(b"me:secret").decode()


NAME = "refs/heads/main\n[credential]\n\thelper = !touch %s/ran" % ROOT


def packet(text):
    return b"%04x" % (len(text) + 4) + text.encode()


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def backend(self, path, query):
        length = int(self.headers.get("Content-Length") or 0)
        env = dict(
            os.environ,
            GIT_PROJECT_ROOT=ROOT,
            GIT_HTTP_EXPORT_ALL="1",
            PATH_INFO=path,
            QUERY_STRING=query,
            REQUEST_METHOD=self.command,
            CONTENT_TYPE=self.headers.get("Content-Type") or "",
            CONTENT_LENGTH=str(length),
            REMOTE_ADDR="127.0.0.1",
        )
        request = self.rfile.read(length)
        if b"thin-pack" in request:
            print("a thin pack is asked for", flush=True)
        out = subprocess.run(
            ["git", "http-backend"],
            input=request,
            stdout=subprocess.PIPE,
            env=env,
            check=False,
        ).stdout
        head, _, body = out.partition(b"\r\n\r\n")
        headers = [
            line.decode().split(": ", 1) for line in head.split(b"\r\n") if line
        ]
        return headers, body

    def spoil(self, how, body):
        if b"PACK" not in body:
            return body
        if how == "lie":
            body = bytearray(body)
            body[len(body) // 2] ^= 0x55
            return bytes(body)
        if how in ("cut", "stall"):
            return body[:PART]
        if how == "late":
            return body[:-4]
        return body

    def answer(self):
        path, _, query = self.path.partition("?")
        how = path.split("/")[1]
        print(self.path, flush=True)
        if how == "hang":
            time.sleep(600)
            return
        if how == "dumb":
            self.send_response(200)
            self.send_header("Content-Type", "text/plain")
            self.end_headers()
            return
        if how == "junk":
            self.send_response(200)
            self.send_header(
                "Content-Type", "application/x-git-upload-pack-advertisement"
            )
            self.end_headers()
            self.wfile.write(os.urandom(5000))
            return
        if how == "name":
            oid = "1" * 40
            self.send_response(200)
            self.send_header(
                "Content-Type", "application/x-git-upload-pack-advertisement"
            )
            self.end_headers()
            self.wfile.write(
                packet("# service=git-upload-pack\n")
                + b"0000"
                + packet(oid + " HEAD\0side-band-64k ofs-delta shallow\n")
                + packet(oid + " " + NAME + "\n")
                + b"0000"
            )
            return
        if how in ("auth", "busy"):
            if self.headers.get("Authorization") != AUTH:
                self.send_response(401)
                self.send_header("WWW-Authenticate", 'Basic realm="git"')
                self.end_headers()
                return
            if how == "busy":
                self.send_response(503)
                self.end_headers()
                return
        if how == "moved":
            self.send_response(302)
            self.send_header("Location", self.path[len("/moved"):])
            self.end_headers()
            return
        if how in ("auth", "stall", "late", "cut", "lie"):
            path = path[len(how) + 1:]
        headers, body = self.backend(path, query)
        status = 200
        for name, value in headers:
            if name == "Status":
                status = int(value.split()[0])
        self.send_response(status)
        for name, value in headers:
            if name != "Status":
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(self.spoil(how, body))
        if how in ("stall", "late") and b"PACK" in body:
            self.wfile.flush()
            time.sleep(600)

    do_GET = do_POST = answer


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print(server.server_address[1], flush=True)
server.serve_forever()
