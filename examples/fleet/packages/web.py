#!/usr/bin/python3
"""Serves one page: a greeting, and how often it was asked for. Usage: web CONFIG"""

import http.server
import json
import sys
import urllib.request

with open(sys.argv[1]) as file:
    config = json.load(file)


def count_visit():
    """The number of visits so far, from the first database that answers."""
    for database in config["databases"]:
        try:
            request = urllib.request.Request(database + "/visits", method="POST")
            with urllib.request.urlopen(request, timeout=1) as answer:
                return answer.read().decode().strip()
        except OSError:
            continue
    return "nobody knows how many"


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"{config['greeting']}\nVisits: {count_visit()}\n".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


http.server.ThreadingHTTPServer(("", config["port"]), Page).serve_forever()
