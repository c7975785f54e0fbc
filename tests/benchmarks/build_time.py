"""How long an index takes: from nothing, nothing changed, one page changed, all texts in the cache.

``python tests/benchmarks/build_time.py HTML_DIR [--runs 3]`` prints a table of medians; every run
is a process of its own, so imports and the loading of the model are counted in. HTML_DIR is copied
first and stays as it is.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

COMMAND = [sys.executable, "-m", "sphinx_molsys_chat", "index"]


@dataclass(frozen=True, slots=True)
class Run:
    """One build."""

    seconds: float
    """Wall time of the whole process."""
    peak_mb: float
    """Peak resident memory of the process, in MB of 1,000 kB."""


def build(html_dir: Path, index: Path, *options: str) -> Run:
    """Build or update an index in a process of its own, without a cache unless one is named."""
    options = options or ("--cache-mb", "0")
    started = time.monotonic()
    process = subprocess.Popen(
        [*COMMAND, str(html_dir), "-o", str(index), *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(COMMAND)} failed on {html_dir}")
    return Run(time.monotonic() - started, usage.ru_maxrss / 1000)


def change_one_page(html_dir: Path, number: int) -> None:
    """Change a paragraph on the site's longest page below 200 kB."""
    pages = [p for p in html_dir.rglob("*.html") if p.stat().st_size < 200_000]
    page = max(pages, key=lambda path: (path.stat().st_size, path))
    text = page.read_text(encoding="utf-8")
    page.write_text(text.replace("<p>", f"<p>Changed {number}. ", 3), encoding="utf-8")


def measure(html_dir: Path, runs: int) -> dict[str, list[Run]]:
    """Return the runs of each kind."""
    kinds = ("from nothing", "nothing changed", "one page", "from the cache")
    found: dict[str, list[Run]] = {kind: [] for kind in kinds}
    with tempfile.TemporaryDirectory() as folder:
        site = Path(shutil.copytree(html_dir, Path(folder) / "site"))
        index = Path(folder) / "index"
        for number in range(runs):
            shutil.rmtree(index, ignore_errors=True)
            found["from nothing"].append(build(site, index))
            found["nothing changed"].append(build(site, index))
            change_one_page(site, number)
            found["one page"].append(build(site, index))
            cache = ("--cache", str(Path(folder) / "cache"))
            for _ in range(2):  # the first one fills the cache
                shutil.rmtree(index)
                last = build(site, index, *cache)
            found["from the cache"].append(last)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("html_dir", type=Path)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    found = measure(arguments.html_dir, arguments.runs)
    rows = {
        kind: {
            "seconds": round(statistics.median(run.seconds for run in runs), 2),
            "peak_mb": round(max(run.peak_mb for run in runs)),
        }
        for kind, runs in found.items()
    }
    if arguments.json:
        print(json.dumps(rows))
        return
    for kind, row in rows.items():
        print(
            f"{kind:16} {row['seconds']:8.2f} s (median of {arguments.runs})  {row['peak_mb']} MB"
        )


if __name__ == "__main__":
    main()
