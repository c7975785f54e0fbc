"""The arguments of every subcommand; the work itself is in a module of its own each."""

import argparse
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sphinx_molsys_chat.command.eval_arguments import add_judging
from sphinx_molsys_chat.command.examples import example_text
from sphinx_molsys_chat.command.numbers import share, whole_number
from sphinx_molsys_chat.command.record_arguments import (
    add_delete,
    add_export,
    add_questions,
    add_report,
)
from sphinx_molsys_chat.command.vllm_arguments import add_plan_arguments, add_serve_arguments
from sphinx_molsys_chat.version import __version__

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction["Parser"]

PACKAGE = "sphinx_molsys_chat.command"
MOST_RESULTS = 50
"""As many sections as a search gives at most."""


class Parser(argparse.ArgumentParser):
    """A parser that knows what was meant by a word that is written wrongly."""

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Check a word against the choices that there are."""
        near = get_close_matches(str(value), map(str, action.choices or ()), n=1)
        if near and value not in (action.choices or ()):
            raise argparse.ArgumentError(action, f"{value!r}: did you mean {near[0]!r}?")
        super()._check_value(action, value)


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the arguments; what is wrong with them ends the process with status 2.

    :param argv: the arguments; those of the process by default.
    """
    arguments, unknown = build_parser().parse_known_args(argv)
    if unknown:
        parser: Parser = arguments.parser
        options = [each for action in parser._actions for each in action.option_strings]
        near = get_close_matches(unknown[0].partition("=")[0], options, n=1)
        meant = f"; did you mean {near[0]!r}?" if near else ""
        parser.error(f"unrecognized arguments: {' '.join(unknown)}{meant}")
    return arguments


def build_parser() -> argparse.ArgumentParser:
    """Return the parser; it names the module that does the work and the extra that it needs."""
    parser = Parser(
        prog="molsys-chat",
        description="A chat for Sphinx documentation: grounded, cited answers.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for add in (
        _preview,
        _index,
        _search,
        _ask,
        _chat,
        _serve,
        _mcp,
        _vllm,
        _evaluate,
        _symbols,
        _report,
        _records,
        _doctor,
    ):
        add(commands)
    return parser


def _command(
    commands: "Commands", name: str, module: str, extra: str, summary: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name,
        help=summary,
        description=summary[0].upper() + summary[1:] + ".",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.epilog = example_text(parser.prog)
    parser.set_defaults(module=f"{PACKAGE}.{module}", extra=extra, parser=parser)
    return parser


def _preview(commands: "Commands") -> None:
    summary = "chat with a site that is already built; its files stay as they are"
    parser = _command(commands, "preview", "preview", "server", summary)
    _add_html_dir(parser)
    parser.add_argument(
        "--index", type=Path, metavar="INDEX", help="where the index is kept (a cache folder)"
    )
    _add_model_url(parser)
    _add_address(parser)


def _index(commands: "Commands") -> None:
    summary = "build or update an index"
    parser = _command(commands, "index", "index", "search", summary)
    _add_html_dir(parser)
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="INDEX", help="the index's folder"
    )
    parser.add_argument("--project", default="", help="the project's name (read from the site)")
    # Not to be mixed up with the version of molsys-chat, which stands before the subcommand.
    parser.add_argument("--version", default="", help="the documented version (read from the site)")
    parser.add_argument(
        "--base-url",
        type=_web_address,
        default="",
        metavar="URL",
        help="where the site is published",
    )
    parser.add_argument("--commit", default="", help="the source commit")
    parser.add_argument("--model", default="", help="embedding model: a hub's name or a folder")
    parser.add_argument(
        "--exclude",
        action="append",
        default=[],
        metavar="GLOB",
        help="pages to leave out; may be given several times",
    )
    parser.add_argument(
        "--intersphinx",
        action="append",
        default=[],
        metavar="URL=FILE",
        help="the inventory of another project, whose names are checked and linked too;"
        " may be given several times",
    )
    parser.add_argument(
        "--full", action="store_true", help="take nothing over from the last build, nor the cache"
    )
    parser.add_argument(
        "--cache", type=Path, metavar="FOLDER", help="vectors that builds share (a cache folder)"
    )
    parser.add_argument(
        "--cache-mb",
        type=whole_number(0, 1_000_000),
        default=512,
        metavar="MB",
        help="size that the cache is kept to; 0 for no cache (%(default)s)",
    )


def _search(commands: "Commands") -> None:
    summary = "what retrieval finds for a question"
    parser = _command(commands, "search", "search", "search", summary)
    _add_index_and_question(parser)
    parser.add_argument(
        "-k",
        type=whole_number(1, MOST_RESULTS),
        default=8,
        metavar="N",
        help=f"sections to show, 1 to {MOST_RESULTS} (%(default)s)",
    )
    _add_reranker(parser)


def _ask(commands: "Commands") -> None:
    summary = "the whole answer, as it is written"
    parser = _command(commands, "ask", "ask", "server", summary)
    _add_index_and_question(parser)
    _add_model_url(parser)
    _add_config(parser)


def _chat(commands: "Commands") -> None:
    summary = "a conversation with a running service"
    parser = _command(commands, "chat", "chat", "server", summary)
    parser.add_argument(
        "url", type=_service_address, metavar="URL", help="such as https://chat.example.org"
    )
    parser.add_argument("--project", default="", help="the project to ask; the service's first")
    parser.add_argument("--version", default="", help="its version; the newest")


def _serve(commands: "Commands") -> None:
    summary = "the service, over one index or several"
    parser = _command(commands, "serve", "serve", "server", summary)
    parser.add_argument(
        "indexes",
        nargs="*",
        metavar="INDEX",
        help="folders of indexes, and addresses of published ones",
    )
    parser.add_argument("--docs", type=Path, metavar="HTML_DIR", help="serve this site as well")
    _add_model_url(parser)
    _add_config(parser)
    _add_address(parser)


def _mcp(commands: "Commands") -> None:
    summary = "the documentation as tools for a coding agent, on standard input and output"
    parser = _command(commands, "mcp", "mcp", "mcp", summary)
    parser.add_argument(
        "indexes",
        nargs="+",
        metavar="INDEX",
        help="folders of indexes, and addresses of published ones",
    )


def _vllm(commands: "Commands") -> None:
    summary = "the model on this machine's cards: what fits, and the server"
    parser = commands.add_parser("vllm", help=summary, description=f"{summary.capitalize()}.")
    kinds = parser.add_subparsers(metavar="WHAT", required=True)
    plan = _command(kinds, "plan", "vllm_plan", "server", "what fits a card, and what does not")
    add_plan_arguments(plan)
    summary = "start vLLM as planned, one replica a card, and keep it running"
    add_serve_arguments(_command(kinds, "serve", "vllm_serve", "server", summary))


def _symbols(commands: "Commands") -> None:
    summary = "where the guide and the reference have drifted apart"
    parser = _command(commands, "symbols", "symbols", "search", summary)
    parser.add_argument("index", type=Path, metavar="INDEX", help="folder of an index")
    parser.add_argument(
        "--questions",
        type=Path,
        metavar="FILE",
        help="questions, JSON Lines: list the sections that none of them reaches",
    )
    parser.add_argument(
        "--report", type=Path, metavar="FILE.html", help="write all of it as a page"
    )
    parser.add_argument("--json", action="store_true", help="for programs")


def _report(commands: "Commands") -> None:
    summary = "what readers asked, and what they did not find: one page with plots"
    add_report(_command(commands, "report", "report", "server", summary))


def _records(commands: "Commands") -> None:
    summary = "the kept questions and answers: out of their store, or gone from it"
    parser = commands.add_parser("records", help=summary, description=f"{summary.capitalize()}.")
    kinds = parser.add_subparsers(metavar="WHAT", required=True)
    summary = "all of them, as JSON Lines or as a table"
    add_export(_command(kinds, "export", "records_export", "server", summary))
    summary = "those that were not answered, or not well, as a file of questions"
    add_questions(_command(kinds, "questions", "records_questions", "server", summary))
    summary = "remove answers and the votes on them"
    add_delete(_command(kinds, "delete", "records_delete", "server", summary))


def _doctor(commands: "Commands") -> None:
    summary = "what is installed, reachable, fitting; what to do about the rest"
    parser = _command(commands, "doctor", "doctor", "", summary)
    parser.add_argument("--model", default="", help="embedding model: a hub's name or a folder")
    _add_model_url(parser)
    _add_config(parser)


def _evaluate(commands: "Commands") -> None:
    summary = "how good retrieval and answers are on questions with known answers"
    parser = commands.add_parser("eval", help=summary)
    kinds = parser.add_subparsers(metavar="WHAT", required=True)
    finds = "score what retrieval finds"
    retrieval = _command(kinds, "retrieval", "eval_retrieval", "search", finds)
    _add_evaluation(retrieval, "RANKED.jsonl")
    retrieval.add_argument(
        "--report", type=Path, metavar="FILE.html", help="write a page of figures and misses"
    )
    retrieval.add_argument(
        "--min-recall5",
        type=share,
        metavar="SHARE",
        help="fail if fewer questions, such as 0.8 of them, have a gold section or one inside it"
        " among the first five",
    )
    _add_reranker(retrieval)
    answers = _command(kinds, "answers", "eval_answers", "server", "what answers are worth")
    _add_evaluation(answers, "ANSWERS.jsonl")
    _add_model_url(answers)
    _add_config(answers)
    add_judging(answers)


def _add_reranker(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--reranker",
        default="",
        metavar="MODEL",
        help="cross-encoder that looks at the first 30 sections again: a hub's name or a folder",
    )


def _add_html_dir(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("html_dir", type=Path, metavar="HTML_DIR", help="folder of built HTML")


def _add_index_and_question(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("index", type=Path, metavar="INDEX", help="folder of an index")
    parser.add_argument("question", type=_question, metavar="QUESTION", help="what to look for")
    parser.add_argument("--json", action="store_true", help="for programs")


def _add_model_url(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model-url",
        metavar="URL",
        help="OpenAI-compatible model server, such as http://127.0.0.1:8000/v1",
    )


def _add_config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, metavar="FILE", help="TOML file of settings")


def _add_address(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", help="address to listen on (127.0.0.1)")
    parser.add_argument(
        "--port", type=whole_number(0, 65535), help="port to listen on, 0 for a free one (8800)"
    )


def _add_evaluation(parser: argparse.ArgumentParser, out: str) -> None:
    parser.add_argument("--index", type=Path, required=True, metavar="INDEX", help="the index")
    parser.add_argument(
        "--questions", type=Path, required=True, metavar="FILE", help="questions, JSON Lines"
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar=out, help="the file to write, JSON Lines"
    )


def _web_address(text: str) -> str:
    if text and not text.startswith(("https://", "http://", "/")):
        raise argparse.ArgumentTypeError(f"{text!r} does not begin with https://, http:// or /")
    return text


def _service_address(text: str) -> str:
    if not text.startswith(("https://", "http://")):
        raise argparse.ArgumentTypeError(f"{text!r} does not begin with https:// or http://")
    return text


def _question(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("the question is empty")
    # Bytes of the command line that are no text in its encoding arrive as lone surrogates.
    return text.encode("utf-8", "replace").decode()
