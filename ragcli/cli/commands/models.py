"""Models on this machine: models list, pull, import, remove, show, default."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ragcli.cli.completing import complete_model
from ragcli.cli.options import Json, Ndjson, Quiet, session_of
from ragcli.cli.showing import json_shapes, render
from ragcli.cli.showing.following import follow_pull
from ragcli.types import Role

commands = typer.Typer()
models = typer.Typer(rich_markup_mode=None)
commands.add_typer(models, name="models", rich_help_panel="Models and settings")
Name = Annotated[str, typer.Argument(metavar="NAME", help="A model's name (ragcli models list).", autocompletion=complete_model)]
SETTING_OF_ROLE = {"llm": "answer.model", "embedder": "models.embedder", "reranker": "models.reranker"}


@models.callback(invoke_without_command=True)
def models_root(context: typer.Context) -> None:
    """List, get and choose the models that run on this machine.

    Only `models pull` uses the network.

    \b
    Examples:
      ragcli models
      ragcli models pull smollm2-135m
    """
    if context.invoked_subcommand is None:
        list_models(context)


@models.command("list")
def list_models(context: typer.Context, json: Json = False) -> None:
    """List the models, and say which are installed and in use.

    \b
    Example:
      ragcli models list
    """
    session = session_of(context)
    with session.open() as assistant:
        rows = assistant.model_list()
    session.result(json_shapes.models_shape(rows), render.model_lines(rows, session.paper))


@models.command("pull")
def pull_model(
    context: typer.Context,
    name: Name,
    for_mlx: Annotated[
        bool | None, typer.Option("--mlx/--no-mlx", help="Convert it for the MLX engine, or not.", show_default=False)
    ] = None,
    json: Json = False,
    ndjson: Ndjson = False,
    quiet: Quiet = False,
) -> None:
    """Download a model, verify it and install it. Nothing else uses the network.

    \b
    Example:
      ragcli models pull qwen2.5-coder-1.5b
    """
    session = session_of(context)
    with session.open() as assistant:
        follow_pull(session, assistant.pull_events(name, for_mlx=for_mlx))


@models.command("import")
def import_model(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A GGUF file, or a folder of an MLX model or an embedder.")],
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="What to call it; else as the file.")] = None,
    role: Annotated[
        Role | None,
        typer.Option("--role", metavar="ROLE", help="llm, embedder or reranker; else seen from its files."),
    ] = None,
    json: Json = False,
) -> None:
    """Install a model that is on this machine already.

    \b
    Examples:
      ragcli models import ~/Downloads/model.gguf --name mine
      ragcli models import ./my-embedder --role embedder
    """
    session = session_of(context)
    with session.open() as assistant:
        model = assistant.import_model(path, name, role)
    line = session.paper.line(f"{model.name} is installed ({model.folder})")
    session.result(json_shapes.installed_shape(model), [line])


@models.command("remove")
def remove_model(context: typer.Context, name: Name) -> None:
    """Delete an installed model from this machine.

    \b
    Example:
      ragcli models remove smollm2-135m
    """
    session = session_of(context)
    with session.open() as assistant:
        assistant.remove_model(name)
    session.notice(session.side_paper.line(f"{name} is removed."))


@models.command("show")
def show_model(context: typer.Context, name: Name, json: Json = False) -> None:
    """Say what is known of a model: source, licence, size, digests.

    \b
    Example:
      ragcli models show smollm2-135m
    """
    session = session_of(context)
    with session.open() as assistant:
        row = assistant.show_model(name)
    session.result(json_shapes.model_shape(row), render.model_facts(row, session.paper))


@models.command("default")
def default_model(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="The model to take from now on.", autocompletion=complete_model)
    ] = None,
    json: Json = False,
) -> None:
    """Say which models are in use, or choose another one.

    \b
    Examples:
      ragcli models default
      ragcli models default smollm2-135m
    """
    session = session_of(context)
    with session.open() as assistant:
        rows = [row for row in assistant.model_list() if row.in_use] if name is None else [assistant.show_model(name)]
    for row in rows if name is not None else ():
        session.write_setting(SETTING_OF_ROLE[row.role], row.name)
    lines = (f"{SETTING_OF_ROLE[row.role]} = {session.paper.line(row.name)}" for row in rows)
    session.result(json_shapes.models_shape(rows), lines)
