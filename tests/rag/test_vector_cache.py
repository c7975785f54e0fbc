"""The vector cache: what it keeps and for how long, damaged files, and many processes at once."""

import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from molsys_chat_rag.embedding import vector_cache
from molsys_chat_rag.embedding.arithmetic import Arithmetic
from molsys_chat_rag.embedding.models import EmbeddingModel
from molsys_chat_rag.embedding.vector_cache import FILE, LOCK, VectorCache

DIMENSION = 384
TORCH = Arithmetic("torch", "2.13.0", "float32")


def model(digest: str = "d1", window: int = 256) -> EmbeddingModel:
    return EmbeddingModel("model", Path("nowhere"), digest, DIMENSION, window)


def cache(folder: Path, limit_mb: int = 512) -> VectorCache:
    return VectorCache(folder, limit_mb, model(), TORCH)


def texts(first: int, last: int) -> list[str]:
    return [f"text {n}" for n in range(first, last)]


def vectors(wanted: list[str]) -> np.ndarray:
    """Return vectors that can be told from their texts."""
    seeds = np.array([int(text.split()[1]) for text in wanted], dtype=np.float32)
    return seeds[:, None] + np.arange(DIMENSION, dtype=np.float32)


def assert_right(found: dict[str, np.ndarray], wanted: list[str]) -> None:
    assert set(found) == set(wanted)
    assert all((found[text] == vectors([text])[0]).all() for text in wanted)


def test_what_was_put_in_is_there_for_the_next_build(tmp_path):
    cache(tmp_path / "c").put(texts(0, 1200), vectors(texts(0, 1200)))
    again = cache(tmp_path / "c")
    assert_right(again.get(texts(100, 1300)), texts(100, 1200))
    assert again.warnings == ()


@pytest.mark.parametrize(
    "other",
    [
        VectorCache(Path(), 512, model(digest="d2"), TORCH),
        VectorCache(Path(), 512, model(window=128), TORCH),
        VectorCache(Path(), 512, model(), Arithmetic("torch", "2.13.0", "bfloat16")),
        VectorCache(Path(), 512, model(), Arithmetic("torch", "2.14.0", "float32")),
        VectorCache(Path(), 512, model(), Arithmetic("numpy", "2.13.0", "float32")),
    ],
    ids=["weights", "window", "number format", "release", "library"],
)
def test_what_changes_a_vector_is_part_of_its_key(tmp_path, monkeypatch, other):
    monkeypatch.chdir(tmp_path)
    cache(Path()).put(texts(0, 1), vectors(texts(0, 1)))
    assert other.get(texts(0, 1)) == {}
    other.put(texts(0, 1), vectors(["text 7"]))
    assert_right(cache(Path()).get(texts(0, 1)), texts(0, 1))


def test_no_text_is_kept(tmp_path):
    cache(tmp_path).put(["secret 1"], vectors(["secret 1"]))
    assert b"secret" not in (tmp_path / FILE).read_bytes()


def test_the_least_recently_used_go_first(tmp_path):
    kept = cache(tmp_path, limit_mb=1)
    kept.put(texts(0, 200), vectors(texts(0, 200)))
    kept.put(texts(200, 400), vectors(texts(200, 400)))
    kept.get(texts(0, 200))
    kept.put(texts(400, 600), vectors(texts(400, 600)))
    assert_right(kept.get(texts(0, 200)), texts(0, 200))
    assert_right(kept.get(texts(400, 600)), texts(400, 600))
    assert len(kept.get(texts(200, 400))) < 150


def test_the_file_stays_within_its_bound(tmp_path):
    kept = cache(tmp_path, limit_mb=2)
    for start in range(0, 5000, 250):
        kept.put(texts(start, start + 250), vectors(texts(start, start + 250)))
        assert (tmp_path / FILE).stat().st_size < 2_000_000
    assert_right(kept.get(texts(4750, 5000)), texts(4750, 5000))
    assert kept.get(texts(0, 3500)) == {}
    assert kept.warnings == ()


def test_a_smaller_bound_holds_from_the_next_build_on(tmp_path):
    cache(tmp_path).put(texts(0, 2000), vectors(texts(0, 2000)))
    assert (tmp_path / FILE).stat().st_size > 3_000_000
    cache(tmp_path, limit_mb=1).put(texts(2000, 2001), vectors(texts(2000, 2001)))
    assert (tmp_path / FILE).stat().st_size < 1_000_000


def garbage(path: Path) -> None:
    path.write_bytes(b"no database at all" * 1000)


def half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def one_number(path: Path) -> None:
    data = path.read_bytes()
    value = vectors(["text 7"])[0].tobytes()
    assert data.count(value) == 1
    path.write_bytes(data.replace(value, value[:40] + b"\x01" + value[41:]))


@pytest.mark.parametrize("damage", [garbage, half, one_number])
def test_a_damaged_file_is_begun_anew_with_a_warning(tmp_path, damage):
    cache(tmp_path).put(texts(0, 600), vectors(texts(0, 600)))
    damage(tmp_path / FILE)
    size = (tmp_path / FILE).stat().st_size
    build = cache(tmp_path)
    assert build.get(texts(0, 600)) == {}
    [warning] = build.warnings
    assert warning.startswith(f"{tmp_path / FILE} was damaged (")
    assert (tmp_path / f"{FILE}.damaged").stat().st_size == size, "nothing is thrown away"
    build.put(texts(0, 600), vectors(texts(0, 600)))
    after = cache(tmp_path)
    assert_right(after.get(texts(0, 600)), texts(0, 600))
    assert after.warnings == ()


@pytest.mark.parametrize("place", ["/proc/vectors", "file", "file/below"])
def test_a_folder_that_cannot_be_written_is_a_warning_and_no_more(tmp_path, place):
    (tmp_path / "file").touch()
    build = cache(tmp_path / place)
    assert build.get(texts(0, 1)) == {}
    build.put(texts(0, 1), vectors(texts(0, 1)))
    [warning] = build.warnings
    assert f"the vector cache in {tmp_path / place} is left out of this build (" in warning
    assert "name a folder that can be written" in warning


def test_a_build_does_not_wait_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr(vector_cache, "LOCK_TIMEOUT", 0.1)
    build = cache(tmp_path)
    with FileLock(tmp_path / LOCK):
        assert build.get(texts(0, 1)) == {}
    assert "another build has held it for 0.1 s" in build.warnings[0]


def test_a_full_disk_leaves_the_cache_whole(tmp_path):
    cache(tmp_path).put(texts(0, 50), vectors(texts(0, 50)))
    # No file of this process may grow past 300 kB: what a full disk does, at the same calls.
    done = run("""
        import resource, signal
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
        build = t.cache(Path(sys.argv[1]))
        build.put(t.texts(50, 1000), t.vectors(t.texts(50, 1000)))
        print(build.warnings)
        """, tmp_path).communicate()[0]  # fmt: skip
    assert "is left out of this build" in done
    assert "free space" in done
    after = cache(tmp_path)
    assert_right(after.get(texts(0, 1000)), texts(0, 50))
    assert after.warnings == ()


def run(code: str, *arguments: object) -> "subprocess.Popen[str]":
    """Start a process that has this module as ``t``."""
    start = f"""
        import sys
        from pathlib import Path
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        import {Path(__file__).stem} as t
        """
    source = textwrap.dedent(start) + textwrap.dedent(code)
    command = [sys.executable, "-c", source, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


USE = """
    build = t.cache(Path(sys.argv[1]), limit_mb=int(sys.argv[3]))
    print("begun", flush=True)
    for n in range(int(sys.argv[2]), int(sys.argv[2]) + 3000, 100):
        some = t.texts(n, n + 150)
        found = build.get(some)
        t.assert_right(found, list(found))
        build.put(some, t.vectors(some))
    print(build.warnings)
"""


@pytest.mark.parametrize("limit_mb", [512, 1], ids=["room for all", "room for few"])
def test_many_builds_at_once_and_killed_ones(tmp_path, limit_mb):
    long_lived = [run(USE, tmp_path, first, limit_mb) for first in (0, 0, 1000)]
    killed = 0
    while any(process.poll() is None for process in long_lived):
        with run(USE, tmp_path, 500, limit_mb) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "begun\n"
            time.sleep(0.03 * (killed % 5))
            process.send_signal(signal.SIGKILL)
        killed += 1
    assert killed > 0
    for process in long_lived:
        assert process.communicate()[0] == "begun\n()\n"
        assert process.returncode == 0
    after = cache(tmp_path)
    found = after.get(texts(0, 5000))
    assert_right(found, list(found))
    assert after.warnings == ()
    if limit_mb == 512:
        assert set(texts(0, 4050)) <= set(found)
    with sqlite3.connect(tmp_path / FILE) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_builds_of_two_projects_at_once_share_a_cache(themed_site, tmp_path):
    code = """
        from molsys_chat_rag.build import BuildSettings, build_index
        report = build_index(
            Path(sys.argv[1]), Path(sys.argv[2]), BuildSettings(cache=Path(sys.argv[3]))
        )
        print(report.warnings, report.embedded, report.cached)
    """
    sites = [themed_site("alabaster", "html"), themed_site("furo", "html")]
    places = [tmp_path / f"{n}" for n in range(4)]
    builds = [run(code, sites[n % 2], p, tmp_path / "cache") for n, p in enumerate(places)]
    told = [process.communicate()[0].split() for process in builds]
    assert all(warnings == "()" for warnings, _, _ in told)
    assert all(process.returncode == 0 for process in builds)
    for one, other in ((0, 2), (1, 3)):
        name = "vectors.faiss"
        assert (places[one] / name).read_bytes() == (places[other] / name).read_bytes()
    last = run(code, sites[0], tmp_path / "last", tmp_path / "cache").communicate()[0].split()
    assert last[:2] == ["()", "0"]
