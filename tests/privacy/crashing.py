"""The real program with a bug planted at one place: ``python -m tests.privacy.crashing PLACE COMMAND…``.

What fails there raises an error that quotes everything it was given, as careless libraries do. Only the models are fakes.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

INDEXING, ASKING, SEARCHING = ("index",), ("ask",), ("search", "--json")
PLACES = {
    "ragcli.steps.planning:source_id_of": INDEXING,
    "ragcli.steps.planning:spot_secrets": INDEXING,
    "ragcli.flows.indexing:as_source": INDEXING,
    "ragcli.flows.indexing:chunk_document": INDEXING,
    "ragcli.flows.embedding:Batch.finished": INDEXING,
    "tests.fakes.split:split_words": INDEXING,
    "ragcli.adapters.readers.worker:decode_answer": INDEXING,
    "tests.fakes.embedder:HashingEmbedder.embed_passages": INDEXING,
    "ragcli.adapters.store:LanceStore.replace": INDEXING,
    "ragcli.adapters.chunk_table:ChunkTable.replace": INDEXING,
    "ragcli.adapters.ledger:Ledger.put_sources": INDEXING,
    "ragcli.adapters.ledger:Ledger.put_seals": INDEXING,
    "ragcli.adapters.database:Database.each": INDEXING,
    "tests.fakes.embedder:HashingEmbedder.embed_query": ASKING,
    "tests.fakes.model:ScriptedModel.stream": ASKING,
    "tests.fakes.model:ScriptedModel.count_tokens": ASKING,
    "ragcli.adapters.store:LanceStore.search_both": ASKING,
    "ragcli.flows.asking:pack_context": ASKING,
    "ragcli.flows.saying:build_prompt": ASKING,
    "ragcli.adapters.store:as_chunk": SEARCHING,
    "ragcli.adapters.reaching:Reaching.of": SEARCHING,
    "ragcli.adapters.chunk_table:ChunkTable.nearest": SEARCHING,
    "ragcli.adapters.chunk_table:ChunkTable.matching": SEARCHING,
    "ragcli.cli.showing.json_shapes:hit_shape": SEARCHING,
}
"""Where a bug is planted, and a command that comes there."""
QUOTING = "cannot work with"


class PlantedError(Exception):
    pass


def plant(place: str) -> None:
    """Whatever stands there fails from now on."""
    module, path = place.split(":")
    *owners, name = path.split(".")
    holder: Any = importlib.import_module(module)
    for owner in owners:
        holder = getattr(holder, owner)
    getattr(holder, name)  # a place that is not there would test nothing

    def fail(*given: object, **named: object) -> None:
        sys.stderr.write("PLANTED\n")
        shown = [list(each) if hasattr(each, "__next__") else vars(each) if hasattr(each, "__dict__") else each for each in given]
        raise PlantedError(QUOTING, shown, named)

    setattr(holder, name, fail)


def main() -> None:
    from ragcli.adapters import offline
    from ragcli.cli.bugs import tell_bugs_without_words

    offline.close_doors()
    tell_bugs_without_words()
    from ragcli.assistant import Assistant
    from ragcli.cli.app import run
    from tests.fakes.embedder import HashingEmbedder
    from tests.fakes.model import ScriptedModel

    place = sys.argv.pop(1)
    if place != "nowhere":
        plant(place)
    from tests.fakes.split import split_words

    ports = {"embedder": HashingEmbedder(), "split": split_words, "model": ScriptedModel(always="It is Thursday [1].")}
    run(lambda config, locations: Assistant(config, locations, **ports))


if __name__ == "__main__":
    main()
