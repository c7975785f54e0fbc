"""The dashboard and the alerts: each metric that they name is one that the service has."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from starlette.testclient import TestClient

from molsys_chat_server.settings import Settings
from molsys_chat_server.web.app import create_app

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
ALERTS = DEPLOY / "prometheus" / "alerts.yml"
_NAME = re.compile(r"\b(?:molsys_chat|process)_[a-z_]+")


@pytest.fixture(scope="module")
def exposed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What ``/metrics`` says."""
    settings = Settings(records_db=str(tmp_path_factory.mktemp("state") / "votes.sqlite"))
    with TestClient(create_app(settings)) as client:
        return client.get("/metrics").text


@pytest.fixture(scope="module")
def known(exposed: str) -> set[str]:
    """The names of all samples."""
    names = set(re.findall(r"^# TYPE (\S+) ", exposed, re.MULTILINE))
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", exposed, re.MULTILINE))
    parts = ("_bucket", "_sum", "_count")
    return names | {n + part for n in names if kinds[n] == "histogram" for part in parts}


@pytest.fixture(scope="module")
def dashboard() -> dict[str, Any]:
    """The dashboard."""
    loaded: dict[str, Any] = json.loads((DEPLOY / "grafana" / "molsys-chat.json").read_text())
    return loaded


def expressions(dashboard: dict[str, Any]) -> Iterator[str]:
    """Yield all that the dashboard asks Prometheus."""
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"]
    for variable in dashboard["templating"]["list"]:
        if isinstance(variable["query"], dict):
            yield variable["query"]["query"]


def test_the_dashboard_asks_for_metrics_that_there_are(dashboard, known) -> None:
    asked = {name for expression in expressions(dashboard) for name in _NAME.findall(expression)}
    assert len(asked) > 30
    assert asked <= known


def test_the_dashboard_is_one_of_grafana_s(dashboard) -> None:
    assert dashboard["schemaVersion"] >= 36, "the one that Grafana 9 brought"
    assert dashboard["uid"]
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        cells = {(at["x"] + i, at["y"] + j) for i in range(at["w"]) for j in range(at["h"])}
        assert not cells & taken, f"{panel['title']} covers another panel"
        taken |= cells
        if panel["type"] != "row":
            assert panel["title"]
            assert panel["datasource"]["uid"] == "${datasource}", "it is not tied to one machine"
            assert [target["refId"] for target in panel["targets"]]


def test_alerts_name_metrics_that_there_are(known) -> None:
    [group] = yaml.safe_load(ALERTS.read_text())["groups"]
    for rule in group["rules"]:
        assert set(_NAME.findall(rule["expr"])) <= known
        assert rule["annotations"]["summary"]
        assert rule["labels"]["severity"] in {"critical", "warning"}


@pytest.fixture(scope="module")
def promtool() -> str:
    """Prometheus's own checker."""
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is not installed (Debian's package prometheus)")
    return found


def test_promtool_takes_the_alerts(promtool: str) -> None:
    done = subprocess.run([promtool, "check", "rules", str(ALERTS)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_takes_the_metrics(promtool: str, exposed: str) -> None:
    done = subprocess.run(
        [promtool, "check", "metrics"], input=exposed, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
