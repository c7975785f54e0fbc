"""A small stand-in for the ``vllm`` program: it takes its options, and lives and dies as told."""

import os
import signal
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    """Answers ``/health``; dies at ``/die``."""

    def do_GET(self) -> None:
        if self.path == "/die":
            os._exit(3)
        self.send_response(503 if "--sick" in sys.argv else 200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


def main() -> None:
    """Serve on the port of ``--port``."""
    port = int(sys.argv[sys.argv.index("--port") + 1])
    if "--fail" in sys.argv:
        sys.exit(7)
    if "--stubborn" in sys.argv:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("pid", os.getpid(), flush=True)
    if "--with-child" in sys.argv:
        # Ignores SIGTERM too, as a handler that is set to ignore is inherited.
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        print("child's pid", child.pid, flush=True)
    print("SMALL_VLLM=" + os.environ.get("SMALL_VLLM", ""), flush=True)
    print("CUDA_VISIBLE_DEVICES=" + os.environ.get("CUDA_VISIBLE_DEVICES", "-"), flush=True)
    time.sleep(0.05)
    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        print("serving on", port, " ".join(sys.argv[1:]), flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
