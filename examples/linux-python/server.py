"""Answers every request with what the guest was given."""

import http.server
import json
import os
import platform
import sys


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        facts = {
            "greeting": os.environ.get("GREETING"),
            "arguments": sys.argv[1:],
            "kernel": platform.release(),
            "user": os.getuid(),
            "directory": os.getcwd(),
            "kernel_config": os.path.exists("/proc/config.gz"),
        }
        body = json.dumps(facts, indent=1).encode() + b"\n"
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


print("listening on port 8000")
http.server.ThreadingHTTPServer(("", 8000), Handler).serve_forever()
