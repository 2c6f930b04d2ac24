"""LanceDB without its cloud client: a network client less in the process, and less than half of the time to load it."""

from __future__ import annotations

import subprocess
import sys

import pytest


def test_the_cloud_client_and_the_http_library_below_it_are_not_loaded() -> None:
    script = (
        "import sys; from ragcli.adapters.lance_library import NoModule, lancedb;"
        "import lance_namespace_urllib3_client as client;"
        "print(lancedb.connect.__module__, 'urllib3' in sys.modules, type(sys.modules[client.__name__ + '.api']) is NoModule)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["lancedb", "False", "True"]


def test_nothing_else_is_kept_from_loading() -> None:
    from ragcli.adapters.lance_library import NoCloud, NoModule

    assert not [finder for finder in sys.meta_path if isinstance(finder, NoCloud)]
    assert NoCloud().find_spec("lance_namespace_urllib3_client.models", None) is None
    assert NoCloud().find_spec("lance_namespace_urllib3_client.api.table_api", None) is not None
    assert NoModule("absent").TableApi.__name__ == "TableApi"
    with pytest.raises(AttributeError):
        NoModule("absent").__all__  # noqa: B018
