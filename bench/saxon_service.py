"""What factur-x needs beside it: a service that compiles the rules it is sent and runs them."""

import multiprocessing
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from saxonche import PySaxonProcessor


class SaxonService:
    """What factur-x needs beside it: a service that compiles what it is sent and runs it."""

    def __enter__(self) -> str:
        context = multiprocessing.get_context("spawn")
        receiver, sender = context.Pipe(duplex=False)
        self._process = context.Process(target=_serve_saxon, args=(sender,), daemon=True)
        self._process.start()
        return f"http://127.0.0.1:{receiver.recv()}/transform"

    def __exit__(self, *_error: object) -> None:
        self._process.kill()
        self._process.join()


def _serve_saxon(sender: Any) -> None:
    saxon = PySaxonProcessor(license=False)
    compiler = saxon.new_xslt30_processor()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
            size = int(self.headers["Content-Length"])
            body = message_from_bytes(head + self.rfile.read(size), policy=policy.HTTP)
            parts = {
                str(part.get_param("name", header="content-disposition")): part.get_content()
                for part in body.iter_parts()
            }
            stylesheet = compiler.compile_stylesheet(stylesheet_text=parts["xsl"])
            answer = stylesheet.transform_to_string(
                xdm_node=saxon.parse_xml(xml_text=parts["xml"])
            ).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_arguments: Any) -> None:
            """Quiet: the bench prints its own tables."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    sender.send(server.server_port)
    server.serve_forever()
