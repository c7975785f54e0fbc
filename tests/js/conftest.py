"""Node, and the packages that check the widget."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def node() -> str:
    """Return the path of Node; what package-lock.json names is installed."""
    script = Path(__file__).with_name("node_setup.py")
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.fail(done.stderr, pytrace=False)
    return done.stdout
