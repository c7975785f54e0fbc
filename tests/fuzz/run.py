"""Fuzz one reader, guided by what of our code its inputs reach: run.py TARGET SECONDS CORPUS.

What breaks it is written into ``crashers/TARGET``, where the default test suite reads it again.
"""

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["molsys_chat_rag", "molsys_chat_server"]):
    sys.path.insert(0, str(Path(__file__).parent))
    import targets


def main() -> None:
    """Run a target until its time is over."""
    name, seconds, corpus = sys.argv[1:4]
    crashers = Path(__file__).parent / "crashers" / name
    crashers.mkdir(parents=True, exist_ok=True)
    Path(corpus).mkdir(parents=True, exist_ok=True)
    options = [f"-max_total_time={seconds}", "-timeout=20", "-rss_limit_mb=4096", "-max_len=8192"]
    seeds = Path(__file__).parent / "seeds" / name
    arguments = [sys.argv[0], *options, f"-artifact_prefix={crashers}/", corpus, str(seeds)]
    atheris.Setup(arguments, targets.TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
