"""What is deployed by copying: unit files, the compose file, the proxy's, the tables of models."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from molsys_chat_lab.vllm.cards import find_card
from molsys_chat_lab.vllm.choices import profile_deployment
from molsys_chat_lab.vllm.launch import serve_command
from molsys_chat_lab.vllm.profile import DEFAULT_PROFILE, load_profile, profile_names
from molsys_chat_server.settings import Settings, load_settings
from sphinx_molsys_chat.command import main
from sphinx_molsys_chat.command.arguments import build_parser

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
PROGRAM = "/opt/molsys-chat/bin/molsys-chat"


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_systemd_takes_a_unit(unit: Path, tmp_path: Path) -> None:
    verify = shutil.which("systemd-analyze")
    if verify is None:
        pytest.skip("systemd-analyze is not installed")
    copy = tmp_path / unit.name
    copy.write_text(unit.read_text().replace(PROGRAM, "/bin/true"))
    done = subprocess.run([verify, "verify", str(copy)], capture_output=True, text=True)
    assert [line for line in done.stderr.splitlines() if unit.name in line] == []
    assert done.returncode == 0


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_a_unit_starts_a_command_that_exists(unit: Path) -> None:
    [start] = re.findall(r"^ExecStart=(.*)$", unit.read_text(), re.MULTILINE)
    program, *arguments = shlex.split(start.replace("%i", DEFAULT_PROFILE))
    assert program == PROGRAM
    build_parser().parse_args(arguments)


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """The compose file's content."""
    content: dict[str, Any] = yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text())
    return content


def options(command: list[str]) -> dict[str, str]:
    """Return a command line's options; ``--name value`` and ``--name=value`` are the same."""
    found: dict[str, str] = {}
    name = ""
    for part in command:
        if part.startswith("--"):
            name, _, value = part.partition("=")
            found[name] = value
        else:
            found[name] = part
    return found


def test_compose_starts_replicas_as_the_plan_does(compose: dict[str, Any]) -> None:
    deployment = profile_deployment("", find_card("RTX 2080 Ti"))
    [_, _, model, *planned] = serve_command(deployment, host="0.0.0.0")
    replicas = [name for name in compose["services"] if name.startswith("vllm-")]
    assert len(replicas) == 3
    for number, name in enumerate(replicas):
        service = compose["services"][name]
        assert service["command"][0] == model
        assert options(service["command"][1:]) == options(planned)
        [device] = service["deploy"]["resources"]["reservations"]["devices"]
        assert device["device_ids"] == [str(number)]


def test_compose_s_service_asks_every_replica(
    compose: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"MOLSYS_CHAT_{name.upper()}", raising=False)
    settings = load_settings(DEPLOY / "compose" / "molsys-chat.toml")
    replicas = [name for name in compose["services"] if name.startswith("vllm-")]
    asked = settings.model_url
    urls = asked.split(",") if isinstance(asked, str) else list(asked)
    assert urls == [f"http://{name}:8000/v1" for name in replicas]
    assert settings.host == "0.0.0.0"


def test_every_volume_and_file_of_compose_is_there(compose: dict[str, Any]) -> None:
    made_by_the_reader = {"./html", "./data"}
    for service in compose["services"].values():
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            if source.startswith("./") and source not in made_by_the_reader:
                assert (DEPLOY / "compose" / source).is_file()
            elif not source.startswith("."):
                assert source in compose["volumes"]


def test_caddy_never_gives_up_before_the_service_does() -> None:
    text = (DEPLOY / "compose" / "Caddyfile").read_text()
    timeout = re.search(r"read_timeout (\d+)s", text)
    body = re.search(r"max_size (\d+)KiB", text)
    assert timeout
    assert int(timeout[1]) > Settings.model_fields["model_total_timeout_s"].default
    assert body
    assert 1024 * int(body[1]) == Settings.model_fields["max_body_bytes"].default
    assert "flush_interval -1" in text


def shown_on(page: Path) -> str:
    """Return what a page shows: its text, with the files that it includes in their places."""
    return re.sub(
        r"```\{(?:literal)?include\} (\S+)\n(?::.*\n)*```\n",
        lambda match: (page.parent / match[1]).read_text(encoding="utf-8"),
        page.read_text(encoding="utf-8"),
    )


@pytest.mark.parametrize("card", ["RTX 2080 Ti", "RTX 3090"])
def test_the_table_of_a_card_is_what_the_command_prints(
    card: str, demo_docs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["vllm", "plan", "--gpu", card, "--all"]) == 0
    assert capsys.readouterr().out in shown_on(demo_docs / "cards.md")


@pytest.mark.parametrize("asked", [(), ("--tensor-parallel", "3")], ids=["fits", "cannot work"])
def test_the_shown_plans_are_what_the_command_prints(
    asked: tuple[str, ...], demo_docs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["vllm", "plan", "--gpu", "RTX 2080 Ti", "--gpus", "3", *asked])
    out = capsys.readouterr().out
    shown = out.split("\n\n")[0] if asked else out
    assert shown in shown_on(demo_docs / "cards.md")


@pytest.mark.parametrize("name", profile_names())
def test_every_profile_is_described(name: str, demo_docs: Path) -> None:
    profile = load_profile(name)
    row = f"| `{name}` | `{profile.repository}` | {profile.license} | {profile.about} |"
    assert row in (demo_docs / "cards.md").read_text()


def test_the_units_and_files_of_the_page_on_cards_exist(demo_docs: Path) -> None:
    text = (demo_docs / "cards.md").read_text()
    for path in set(
        re.findall(r"deploy/[\w./@-]+\.(?:service|yaml)|deploy/compose/Caddyfile", text)
    ):
        assert (DEPLOY.parent / path).is_file(), path
