import http.server
import platform

import itsdangerous


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        where = f"{platform.system()}/{platform.machine()}"
        signed = itsdangerous.Signer("secret").sign("hello from Python").decode()
        body = f"{signed} on {where}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


http.server.ThreadingHTTPServer(("", 8000), Handler).serve_forever()
