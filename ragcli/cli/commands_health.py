"""Is it well, and how good is it: doctor, eval."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ragcli.cli.following import follow_evaluation, show_findings
from ragcli.cli.options import Json, Model, Ndjson, Quiet, session_of
from ragcli.errors import ConfigError

commands = typer.Typer()
PANEL = "Health"
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

    Exits with 3 if something does not work.

    \b
    Examples:
      ragcli doctor
      ragcli doctor --offline-proof
    """
    session = session_of(context)
    with session.open() as assistant:
        well = show_findings(session, assistant.offline_proof() if offline_proof else assistant.doctor())
    if not well:
        session.leave(ConfigError.status)


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
