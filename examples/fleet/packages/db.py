#!/usr/bin/python3
"""Counts: POST /NAME adds one and answers with the sum. Usage: db PORT FILE"""

import http.server
import json
import os
import sys

port, path = int(sys.argv[1]), sys.argv[2]

counters = {}
if os.path.exists(path):
    with open(path) as file:
        counters = json.load(file)


def save():
    """Replaces the file as a whole, so that a crash leaves the old one."""
    with open(path + ".new", "w") as file:
        json.dump(counters, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + ".new", path)


class Counters(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        counters[self.path] = counters.get(self.path, 0) + 1
        save()
        body = f"{counters[self.path]}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


http.server.HTTPServer(("", port), Counters).serve_forever()
