"""How long a browser works for a session, by difficulty.

``python tests/benchmarks/proof_of_work.py`` measures how fast a real Chromium tries numbers, once
as this machine is and once with the processor slowed down six times, as developers' tools imitate
a phone. Half of all readers are done after ``ln 2 * 2**bits`` tries.
"""

import argparse
import math
import os
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

WIDGET = Path(__file__).resolve().parents[2] / "static" / "molsys-chat"
MEASURED_BITS = 17

SOLVE = """async ([task, bits]) => {
    const { solve } = await import('/proof.js');
    const began = performance.now();
    const tries = 1 + Number(await solve(task, bits));
    return [tries, (performance.now() - began) / 1000];
}"""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


def measure_rate(page: Page, times: int) -> float:
    """Return how many numbers a page tries a second, pauses for the page included."""
    tasks = [f"{n}".ljust(22, "A") for n in range(times)]
    tried = [page.evaluate(SOLVE, [task, MEASURED_BITS]) for task in tasks]
    return sum(tries for tries, _ in tried) / sum(seconds for _, seconds in tried)


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--bits", type=int, nargs="+", default=[12, 14, 16, 18, 20, 22])
    arguments = parser.parse_args()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(WIDGET)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    chromium = os.environ.get("MOLSYS_CHAT_CHROMIUM") or shutil.which("chromium")
    rates = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/strings.js")
        slowed = page.context.new_cdp_session(page)
        for rate in (1, 6):
            slowed.send("Emulation.setCPUThrottlingRate", {"rate": rate})
            rates.append(measure_rate(page, arguments.times))
        browser.close()
    print(f"tries a second: {rates[0]:,.0f}, slowed down six times {rates[1]:,.0f}")
    for bits in arguments.bits:
        medians = [math.log(2) * 2**bits / rate for rate in rates]
        print(f"{bits} bits: {medians[0]:.2f} s, slowed down {medians[1]:.2f} s")


if __name__ == "__main__":
    main()
