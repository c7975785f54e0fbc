"""This software beside LangChain, LlamaIndex, Haystack and txtai: quality, time and memory.

``python tests/benchmarks/peers.py SITE=HTML_DIR:QUESTIONS.jsonl[,MORE.jsonl] … [--out table.md]``
runs all of them on the same pages with the same embedding model (all-MiniLM-L6-v2), one after the
other, each in a process of its own and with as many threads as there are cores: once with the
defaults of its tutorial, once tuned (chunks of at most 256 tokens of the model, BM25 and vectors,
fused by its own means). The modules in ``peers/`` say what the defaults are. The systems are
installed into an environment of their own (``--env``), about 2 GB. Linux only: memory is read from
``/proc``.

Questions without gold are asked for the time but not scored. Every system is asked for 50 results
and judged on the first ten different pages or sections of them, whatever number it returns by
default; times are those of asking for ten. A build ends when a question can be asked.
The table is written anew after every run, and ``--resume`` takes over the runs of a stopped one
(a line each in ``table.runs.jsonl``: take a line out to measure that run anew).
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from peers.environment import ROOT, Environment, prepare, process_variables
from peers.job import Job, Outcome
from peers.memory import watched
from peers.scores import Judge, Scores
from peers.tables import cost_table, quality_table, versions_line

from molsys_chat_lab.evaluation.questions import Question, read_questions
from molsys_chat_rag.build import BuildSettings, build_index
from molsys_chat_rag.index import Index
from molsys_chat_rag.reading.site import find_pages
from molsys_chat_rag.storage.outputs import beginning_with, check_output, json_lines, with_keys

OURS = "sphinx-molsys-chat"
SYSTEMS = {
    OURS: ("molsys_chat", "as it ships"),
    "LangChain, defaults": ("langchain", "defaults"),
    "LangChain, tuned": ("langchain", "tuned"),
    "LlamaIndex, defaults": ("llama_index", "defaults"),
    "LlamaIndex, tuned": ("llama_index", "tuned"),
    "Haystack, defaults": ("haystack", "defaults"),
    "Haystack, tuned": ("haystack", "tuned"),
    "txtai, defaults": ("txtai", "defaults"),
    "txtai, tuned": ("txtai", "tuned"),
}


@dataclass(frozen=True, slots=True)
class Site:
    """A documentation and what is asked about it."""

    name: str
    """What it is called in the tables."""
    html_dir: Path
    """The root of the built site."""
    files: tuple[Path, ...]
    """Files of questions."""

    def questions(self, file: Path) -> list[Question]:
        """Return the questions of a file that the documentation answers."""
        return [question for question in read_questions(file) if question.gold]

    def asked(self) -> tuple[str, ...]:
        """Return every question of all files, none twice."""
        every = (question.question for file in self.files for question in read_questions(file))
        return tuple(dict.fromkeys(every))


def parse_site(text: str) -> Site:
    """Return the site that an argument names."""
    name, _, rest = text.partition("=")
    folder, _, files = rest.rpartition(":")
    site = Site(name, Path(folder), tuple(map(Path, files.split(","))))
    for path in (site.html_dir, *site.files):
        if not name or not folder or not path.exists():
            raise argparse.ArgumentTypeError(
                f"{text!r}: {path} does not exist; write SITE=HTML_DIR:QUESTIONS.jsonl"
            )
    return site


def run(system: str, site: Site, environment: Environment, variables: Mapping[str, str]) -> Outcome:
    """Measure a system in a process of its own."""
    module, variant = SYSTEMS[system]
    python = sys.executable if system == OURS else environment.python
    with tempfile.TemporaryDirectory() as folder:
        job_file, target = Path(folder, "job.json"), Path(folder, "outcome.json")
        job = Job(
            html_dir=str(site.html_dir.resolve()),
            pages=tuple(page.name for page in find_pages(site.html_dir)),
            questions=site.asked(),
            model=str(environment.model),
            work=folder,
            started=time.monotonic(),
        )
        job.write(job_file)
        process = subprocess.Popen(
            [python, "-m", "peers.measure", module, variant, job_file, target],
            cwd=Path(__file__).parent,
            env=dict(variables),
            stdout=subprocess.DEVNULL,
        )
        most = watched(process)
        if process.returncode:
            raise SystemExit(f"{system} failed on {site.name}")
        outcome = Outcome.from_json(json.loads(target.read_text(encoding="utf-8")))
    return replace(outcome, peak_mb=max(most, outcome.peak_mb))


def score(
    site: Site, file: Path, judge: Judge, outcomes: Mapping[str, Outcome]
) -> dict[str, Scores]:
    """Return the quality of every system on a file of questions."""
    questions = site.questions(file)
    numbers = {text: number for number, text in enumerate(site.asked())}
    return {
        system: judge.scores(
            questions,
            [outcome.results[numbers[question.question]] for question in questions],
            lenient=system != OURS,
        )
        for system, outcome in outcomes.items()
    }


def report(site: Site, judge: Judge, outcomes: Mapping[str, Outcome]) -> Iterator[str]:
    """Yield the tables of a site."""
    pages = len(find_pages(site.html_dir))
    yield f"## {site.name}: {pages:,} pages, {os.cpu_count()} cores\n"
    for file in site.files:
        count = len(site.questions(file))
        yield f"Share of the {count} questions of `{file.name}` that find a right result:\n"
        yield quality_table(score(site, file, judge, outcomes))
    yield cost_table(outcomes)
    yield f"Versions: {versions_line(outcomes.values())}.\n"


def compare(arguments: argparse.Namespace) -> None:
    """Run every system on every site; write the tables after each run."""
    environment = prepare(arguments.env)
    variables = process_variables(os.cpu_count() or 1)
    kept = read_runs(arguments.runs) if arguments.resume else {}
    if not arguments.resume:
        arguments.runs.unlink(missing_ok=True)
    tables: dict[str, str] = {}
    for site in arguments.sites:
        outcomes: dict[str, Outcome] = {}
        with tempfile.TemporaryDirectory() as folder:
            settings = BuildSettings(model=str(environment.model))
            build_index(site.html_dir, Path(folder, "index"), settings)
            judge = Judge(site.html_dir, Index.open(Path(folder, "index")))
            for system in arguments.systems:
                key = f"{site.name}: {system}"
                print(key, file=sys.stderr, flush=True)
                if key in kept:
                    outcomes[system] = kept[key]
                else:
                    outcomes[system] = run(system, site, environment, variables)
                    keep_run(arguments.runs, key, outcomes[system])
                tables[site.name] = "\n".join(report(site, judge, outcomes))
                arguments.out.write_text("\n".join(tables.values()), encoding="utf-8")
    print(arguments.out.read_text(encoding="utf-8"))


def keep_run(file: Path, key: str, outcome: Outcome) -> None:
    """Add a run to the file of runs."""
    with file.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps({"run": key, "outcome": outcome.to_json()}) + "\n")


def read_runs(file: Path) -> dict[str, Outcome]:
    """Return the runs that a file holds."""
    if not file.is_file():
        return {}
    records = map(json.loads, file.read_text(encoding="utf-8").splitlines())
    return {record["run"]: Outcome.from_json(record["outcome"]) for record in records}


def parse_arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the arguments, files at their full paths."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sites", type=parse_site, nargs="+", metavar="SITE=HTML_DIR:QUESTIONS")
    parser.add_argument("--out", type=Path, default=ROOT / ".cache" / "peers.md")
    parser.add_argument("--env", type=Path, default=ROOT / ".cache" / "peers")
    parser.add_argument("--resume", action="store_true", help="take over the runs of a stopped one")
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, default=list(SYSTEMS))
    arguments = parser.parse_args(argv)
    arguments.systems = dict.fromkeys([OURS, *arguments.systems])
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.runs = arguments.out.with_suffix(".runs.jsonl")
    check_output(arguments.out, beginning_with("tables that this script wrote", "## "))
    runs = json_lines("a file of runs that this script wrote", with_keys("run", "outcome"))
    check_output(arguments.runs, runs)
    return arguments


if __name__ == "__main__":
    compare(parse_arguments())
