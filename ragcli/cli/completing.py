"""What the shell offers on Tab beside commands, options and paths. Quick: no library is loaded. It never fails aloud."""

from __future__ import annotations

from contextlib import suppress

from ragcli.cli.session import Session
from ragcli.config import known_settings
from ragcli.errors import RagError


def complete_model(incomplete: str) -> list[str]:
    """Models of the catalog, and others that are installed."""
    from ragcli import catalog  # like the others: read only by who presses Tab

    names = {entry.name for entry in catalog.entries()}
    with suppress(RagError, OSError):
        folder = Session().locations.models
        names |= {entry.name for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith(".")}
    return _matching(names, incomplete)


def complete_collection(incomplete: str) -> list[str]:
    return _matching(known_collections(Session()), incomplete)


def known_collections(session: Session) -> set[str]:
    """The collections of the settings, and those of the index."""
    from ragcli.layering import collections_of

    names: set[str] = set()
    with suppress(RagError, OSError):
        names |= set(collections_of(session.config))
        with session.open() as assistant:
            names |= {root.collection for root in assistant.roots()}
    return names


def complete_profile(incomplete: str) -> list[str]:
    from ragcli.layering import profiles_of

    with suppress(RagError, OSError):
        return _matching(profiles_of(Session().config), incomplete)
    return []


def complete_setting(incomplete: str) -> list[str]:
    names = set(known_settings())
    with suppress(RagError, OSError):
        names |= set(Session().config.named)
    return _matching(names, incomplete)


def _matching(names: set[str] | tuple[str, ...], incomplete: str) -> list[str]:
    return sorted(name for name in names if name.startswith(incomplete))
