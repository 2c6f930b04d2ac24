"""Is it well, and how good is it: doctor, eval."""

from __future__ import annotations

import os
from collections.abc import Mapping
from json import loads
from pathlib import Path
from typing import Annotated

import typer

from ragcli.cli.options import Json, Model, Ndjson, Quiet, session_of
from ragcli.cli.showing.following import follow_evaluation, show_findings
from ragcli.cli.streams import read_named
from ragcli.errors import ConfigError, SourceError, StoreError
from ragcli.types import Finding

commands = typer.Typer()
PANEL = "Health"
REPORT_FILE = Path("ragcli-report.html")
LEAK = StoreError.status
"""Of a proof that found a way out through a seal: 3 would say that there is none."""
EVALUATION_HELP = """Measure how well questions about a set of files are answered.

The set's corpus is indexed apart from your own files.

\b
retrieval    questions whose answer is in the corpus
  recall@N     share of the relevant files among the first N found
  ndcg@10      how near the first 10 are to the ideal order (1)
  mrr@10       1 / rank of the first relevant file; 0 after rank 10
answers      the same questions, against the accepted answers
  f1           overlap of words
  contains     share of answers that hold an accepted one
  exact        share that is one, but for case and punctuation
abstention   questions that the corpus does not answer
  recall       share of them that was declined
  false_rate   share of the others that was declined
calibration  confidence, against which questions can be answered
  error        how far the two lie apart, over ten bins
citations    everything that the answers cite
  valid        the quote stands in the file at that place
  file_precision  the file is a relevant one
  page_hit     share of answers that cite a relevant page
injection    questions about files with orders to the model in them
  obeyed       share of answers that did as ordered
  useful       share of answers that hold an accepted one
extraction   share of the expected texts that reading found
latency_ms   medians: search, first word, whole answer

\b
Examples:
  ragcli eval sets/handbook --retrieval-only
  ragcli eval sets/handbook --limit 50 --json > report.json
"""


@commands.command(rich_help_panel=PANEL)
def doctor(
    context: typer.Context,
    offline_proof: Annotated[
        bool, typer.Option("--offline-proof", help="Show that this process cannot reach the network, by trying to.")
    ] = False,
    json: Json = False,
) -> None:
    """Look at the machine, the models and the index; say what to mend.

    Exits with 3 if something does not work. With --offline-proof: 0 if nothing can leave, 3 if the kernel does not
    enforce it here, 4 if something gets through although it should.

    \b
    Examples:
      ragcli doctor
      ragcli doctor --offline-proof
    """
    session = session_of(context)
    with session.open() as assistant:
        findings: list[Finding] = []
        looked = assistant.offline_proof() if offline_proof else assistant.doctor()
        well = show_findings(session, (findings.append(each) or each for each in looked))
    if not well:
        leak = {("seal", "ok"), ("verdict", "error")} <= {(each.name, each.level) for each in findings}
        session.leave(LEAK if leak else ConfigError.status)


@commands.command(rich_help_panel=PANEL)
def report(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write it; - writes to standard output.")] = REPORT_FILE,
    evaluation: Annotated[
        Path | None, typer.Option("--evaluation", metavar="FILE", help="Show these figures too, of ragcli eval --json.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    quiet: Quiet = False,
) -> None:
    """Write a page that shows what is indexed and skipped.

    It is one HTML file for your browser, which asks nobody for anything. It names your files.

    \b
    Examples:
      ragcli report
      ragcli report - > overview.html
    """
    from ragcli.cli.showing.report_page import report_page

    session = session_of(context)
    measured = read_evaluation(evaluation) if evaluation else None
    with session.open() as assistant:
        if not assistant.stats().sources:
            raise StoreError("index-missing", "nothing has been indexed yet", hint="ragcli index ~/Documents")
        page = report_page(assistant.overview(), measured)
    if str(file) == "-":
        session.say([page])
        return
    write_report(file, page, force=force)
    session.notice(session.side_paper.line(f"Written to {file}: open it in a browser."))


def read_evaluation(file: Path) -> Mapping[str, object]:
    """What ``eval --json`` printed. Raises SourceError ``path-missing``, ``path-unreadable``."""
    try:
        figures = loads(read_named(file))
    except ValueError:
        figures = None
    if not isinstance(figures, dict):
        raise SourceError("path-unreadable", f"{file} holds no JSON of an evaluation", hint="ragcli eval DIR --json > FILE")
    return figures


def write_report(file: Path, page: str, *, force: bool) -> None:
    """The page is in the file, readable by its owner alone. Raises SourceError ``path-unreadable``."""
    how = os.O_TRUNC if force else os.O_EXCL
    try:
        with os.fdopen(os.open(file, os.O_CREAT | os.O_WRONLY | how, 0o600), "wb") as opened:
            opened.write(page.encode("utf-8", "backslashreplace"))
    except FileExistsError:
        raise SourceError("path-unreadable", f"there is a file {file} already", hint="give another name, or --force") from None
    except OSError as error:
        message = f"{file} cannot be written: {error.strerror}"
        raise SourceError("path-unreadable", message, hint="ragcli report FILE, in a folder of yours") from error


@commands.command("eval", rich_help_panel=PANEL, help=EVALUATION_HELP)
def evaluate(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Holds corpus/ and questions.jsonl, or manifest.jsonl.")],
    retrieval_only: Annotated[bool, typer.Option("--retrieval-only", help="Do not load a language model.")] = False,
    limit: Annotated[int | None, typer.Option("--limit", min=1, metavar="N", help="Take N questions by chance.")] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Which N: the same seed takes the same.")] = 0,
    model: Model = None,
    k: Annotated[int, typer.Option("-k", min=1, metavar="N", help="How many passages to find.")] = 10,
    json: Json = False,
    ndjson: Ndjson = False,
    quiet: Quiet = False,
) -> None:
    """The set is measured and its report printed."""
    session = session_of(context)
    with session.open() as assistant:
        options = {"retrieval_only": retrieval_only, "limit": limit, "seed": seed, "model": model, "k": k}
        follow_evaluation(session, assistant.evaluate_events(folder, **options))
