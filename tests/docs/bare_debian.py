"""Follow demo_docs/operations.md word by word on a bare Debian: ``make bare-debian``.

Debian is put into a folder (debootstrap) and booted in a container (systemd-nspawn) that shares
the host's network. Files and commands are taken out of the page. What the reader is told to
replace is replaced: ``docs.example.org`` by a site served here. Certbot needs a public name and is
the one step left out; the commands after it use http. Needs root on Linux.
"""

import argparse
import contextlib
import http.server
import json
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "demo_docs" / "operations.md"
NAME = "molsys-chat-bare-debian"
QUESTION = {"role": "user", "content": "How do I install it?"}
LEFT_OUT = re.compile(r"certbot --nginx")
"""Needs a name in the public DNS."""
BLOCK = re.compile(r"^```console\n(.*?)^```|^```\{literalinclude\} (\S+)", re.M | re.S)
"""Commands, or a file."""


@dataclass(frozen=True, slots=True)
class File:
    """A file that the page shows and names in its first line."""

    path: str
    """Where it belongs."""
    text: str
    """Its content."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command line for root."""

    line: str
    """As the page has it."""


Step = File | Command


def read_steps(page: str) -> Iterator[Step]:
    """Yield what a reader does, in the page's order, up to its headline *Afterwards*."""
    text = page.partition("\n## Afterwards")[0]
    for match in re.finditer(
        r"^```console\n(.*?)^```|^```\{literalinclude\} (\S+)", text, re.M | re.S
    ):
        if match[2]:
            shown = (PAGE.parent / match[2]).read_text(encoding="utf-8")
            yield File(shown.splitlines()[0].removeprefix("# "), shown)
        else:
            yield from (Command(line.removeprefix("# ")) for line in match[1].splitlines())


class Debian:
    """A booted container."""

    def __init__(self, root: Path, leader: int, replaced: dict[str, str]) -> None:
        self._root = root
        self._leader = leader
        self._replaced = replaced

    def follow(self, step: Step) -> None:
        """Do what a step says.

        :raises subprocess.CalledProcessError: if a command fails.
        """
        if isinstance(step, File):
            print(f"-- write {step.path}", flush=True)
            (self._root / step.path.lstrip("/")).write_text(self._own(step.text), encoding="utf-8")
        elif LEFT_OUT.search(step.line):
            print(f"-- left out: {step.line}", flush=True)
            time.sleep(2)  # nginx is still reading its new configuration
        else:
            self.run(self._own(step.line))

    def run(self, line: str) -> str:
        """Run a command line as root in the container."""
        print(f"# {line}", flush=True)
        environment = "PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive HOME=/root"
        command = ["nsenter", "-t", str(self._leader), "-a", "env", "-i", *environment.split()]
        done = subprocess.run([*command, "bash", "-ec", line], text=True, stdout=subprocess.PIPE)
        print("\n".join(done.stdout.splitlines()[-15:]), flush=True)
        done.check_returncode()
        return done.stdout

    def _own(self, text: str) -> str:
        for theirs, ours in self._replaced.items():
            text = text.replace(theirs, ours)
        return text


@contextlib.contextmanager
def booted(root: Path, replaced: dict[str, str]) -> Iterator[Debian]:
    """Boot the Debian in a folder."""
    command = ["systemd-nspawn", "-D", str(root), "--boot", "--register=no", "--keep-unit"]
    with tempfile.TemporaryFile() as console:
        container = subprocess.Popen(
            [*command, f"--machine={NAME}"],
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=console,
        )
        try:
            leader = _leader_of(container.pid)
            debian = Debian(root, leader, replaced)
            debian.run("systemctl is-system-running --wait || systemctl --failed")
            yield debian
        finally:
            container.terminate()
            container.wait(timeout=60)


def _leader_of(nspawn: int) -> int:
    """Return the process that is the container's first."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        children = Path(f"/proc/{nspawn}/task/{nspawn}/children").read_text().split()
        for child in children:
            if Path(f"/proc/{child}/ns/pid").readlink() != Path("/proc/self/ns/pid").readlink():
                time.sleep(3)  # until it has mounted what it needs
                return int(child)
        time.sleep(0.2)
    raise SystemExit("the container did not boot: systemd-nspawn needs root and its cgroups")


def make_debian(root: Path, suite: str, mirror: str) -> None:
    """Put a bare Debian into a folder."""
    packages = "systemd,systemd-sysv,dbus,ca-certificates"
    subprocess.run(
        ["debootstrap", "--variant=minbase", f"--include={packages}", suite, str(root), mirror],
        check=True,
        stdout=subprocess.DEVNULL,
    )


def prepare(root: Path, arguments: argparse.Namespace) -> None:
    """Give the container the package under test."""
    shutil.copytree(arguments.wheels, root / "root/wheels")
    (root / "etc/pip.conf").write_text("[global]\nfind-links = /root/wheels\n", encoding="utf-8")
    for certificate in arguments.trust:
        target = root / "usr/local/share/ca-certificates" / certificate.with_suffix(".crt").name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(certificate, target)
    if arguments.trust:
        with (root / "etc/pip.conf").open("a", encoding="utf-8") as conf:
            conf.write("cert = /etc/ssl/certs/ca-certificates.crt\n")


@contextlib.contextmanager
def published(folder: Path) -> Iterator[str]:
    """Serve the documentation with its index, as a web server does."""
    handler = partial(_Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        """Keep the output to what the reader sees."""


def check(debian: Debian) -> None:
    """Hold what is there at the end to what the page promises."""
    ready = debian.run("curl -sS http://127.0.0.1:8800/readyz")
    assert '"ready":true' in ready.replace(" ", ""), ready
    assert '"degraded":false' in ready.replace(" ", ""), ready
    user = debian.run("stat -c %u /proc/$(systemctl show -P MainPID molsys-chat)").strip()
    assert user != "0", user
    asked = (
        """curl -sS http://chat.example.org/v1/chat -H "Content-Type: application/json" -d '%s'"""
    )
    answer = json.loads(debian.run(asked % json.dumps({"messages": [QUESTION]})))
    assert answer["kind"] == "quoted", answer
    assert answer["cited"], answer
    debian.run("systemctl restart molsys-chat")
    debian.run("curl -sS --retry 20 --retry-connrefused http://127.0.0.1:8800/healthz")
    log = debian.run("journalctl -u molsys-chat --no-pager -o cat")
    assert "Traceback" not in log, log
    assert "How do I install it" not in log, log


def main() -> int:
    """Follow the page; the exit status is 0 where every step did what it should."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("site", type=Path, help="built documentation with _chat/ in it")
    parser.add_argument("wheels", type=Path, help="folder of wheels, this software's among them")
    parser.add_argument("--suite", default="bookworm", help="Debian's release (%(default)s)")
    parser.add_argument("--mirror", default="http://deb.debian.org/debian")
    parser.add_argument("--trust", type=Path, action="append", default=[], metavar="CERTIFICATE")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place, published(arguments.site) as url:
        root = Path(place) / "debian"
        make_debian(root, arguments.suite, arguments.mirror)
        prepare(root, arguments)
        replaced = {
            "https://docs.example.org": url,
            "https://chat.example.org": "http://chat.example.org",
        }
        with (root / "etc/hosts").open("a", encoding="utf-8") as hosts:
            hosts.write("127.0.0.1 localhost chat.example.org\n")
        with booted(root, replaced) as debian:
            if arguments.trust:
                debian.run("update-ca-certificates")
            for step in read_steps(PAGE.read_text(encoding="utf-8")):
                debian.follow(step)
            check(debian)
    print("followed to the end")
    return 0


if __name__ == "__main__":
    sys.exit(main())
