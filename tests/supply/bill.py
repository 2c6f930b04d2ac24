"""The bill of materials, in CycloneDX: every package of an installation with its digests, and every model with its files'.

``scripts/sbom`` writes it. The same repository and environment give the same bytes: no time, no random number.
"""

from __future__ import annotations

import json
import re
import sys
import uuid
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.markers import Marker

from ragcli import __version__, catalog
from tests.supply.licences import licence_of
from tests.supply.scanning import packages

REPOSITORY = Path(__file__).parents[2]
LOCK = REPOSITORY / "requirements.lock"
Component = dict[str, Any]


def locked() -> dict[str, tuple[str, list[str]]]:
    """Release and SHA-256 of the files of every package in the lock file that Linux or macOS can need."""
    found: dict[str, tuple[str, list[str]]] = {}
    for entry in re.split(r"\n(?=[a-z0-9])", LOCK.read_text("utf-8")):
        head = re.match(r"([a-z0-9._-]+)==([^\s;]+)(?: ; ([^\\\n]+))?", entry)
        if head and _is_for_us(head[3]):
            found[head[1]] = (head[2], re.findall(r"--hash=sha256:([0-9a-f]{64})", entry))
    return found


def _is_for_us(marker: str | None) -> bool:
    return marker is None or any(Marker(marker).evaluate({"sys_platform": platform}) for platform in ("linux", "darwin"))


def bill_of_materials() -> dict[str, Any]:
    components = [*map(_library, packages()), *map(_model, catalog.entries())]
    own = {
        "type": "application",
        "bom-ref": "ragcli",
        "name": "ragcli",
        "version": __version__,
        "licenses": _licences("Apache-2.0"),
    }
    seed = json.dumps([own, components], sort_keys=True)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, seed)}",
        "version": 1,
        "metadata": {"component": own},
        "components": components,
        "dependencies": [{"ref": "ragcli", "dependsOn": [each["bom-ref"] for each in components]}],
    }


def _library(name: str) -> Component:
    version = metadata.version(name).split("+")[0]
    link = f"pkg:pypi/{name}@{version}"
    release, digests = locked().get(name, ("", []))
    return {
        "type": "library",
        "bom-ref": link,
        "name": name,
        "version": version,
        "purl": link,
        "licenses": _licences(licence_of(name)),
        "hashes": [{"alg": "SHA-256", "content": digest} for digest in digests if release == version],
    }


def _model(entry: catalog.CatalogModel) -> Component:
    source = entry.hub.repository if entry.hub else ", ".join(wheel.requirement for wheel in entry.wheels)
    return {
        "type": "machine-learning-model",
        "bom-ref": f"model:{entry.name}",
        "name": entry.name,
        "description": f"{entry.description}. From {source}",
        "licenses": _licences(entry.licence),
        "components": [
            {
                "type": "file",
                "bom-ref": f"model:{entry.name}/{file.path}",
                "name": file.path,
                "hashes": [{"alg": "SHA-256", "content": file.sha256}],
            }
            for file in entry.files
        ],
    }


def _licences(expression: str) -> list[dict[str, Any]]:
    return [{"expression": expression}]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(bill_of_materials(), indent=1, ensure_ascii=False) + "\n")
