"""What an installation stands on: locked by digest, under licences that allow it, and listed for whoever must know."""

from __future__ import annotations

import json
import re
from importlib import metadata
from pathlib import Path

import pytest

from ragcli import catalog
from tests.supply import audit, bill, licences
from tests.supply.bill import LOCK, bill_of_materials, locked
from tests.supply.scanning import packages
from tests.tallying import count

REPOSITORY = Path(__file__).parents[2]
PINNED = dict(
    line.split("==") for line in (REPOSITORY / "constraints.txt").read_text("utf-8").splitlines() if re.match(r"[a-z].*==", line)
)


def test_every_package_of_an_installation_is_locked_by_digest() -> None:
    found = locked()
    assert set(packages()) <= set(found)
    assert len(found) >= 70
    assert all(digests for _, digests in found.values())
    count("packages locked by digest", len(found))


def test_the_lock_and_the_constraints_name_the_same_releases() -> None:
    different = {name: (version, PINNED.get(name)) for name, (version, _) in locked().items() if PINNED.get(name) != version}
    assert different == {}


def test_the_lock_is_for_linux_and_macos() -> None:
    text = LOCK.read_text("utf-8")
    assert re.search(r"^mlx-metal==.*sys_platform == 'darwin'", text, re.MULTILINE)
    assert re.search(r"^mlx-cpu==.*sys_platform == 'linux'", text, re.MULTILINE)
    assert "://" not in text, "it is the digests that say what may be installed, not the place"


def test_every_package_is_under_a_licence_that_allows_its_use() -> None:
    names = packages()
    assert licences.not_allowed(names) == {}
    count("packages under an allowed licence", len(names))


@pytest.mark.parametrize(
    ("expression", "allowed"),
    [
        ("MIT", True),
        ("Apache-2.0 WITH LLVM-exception AND BSL-1.0", True),
        ("GPL-3.0-or-later OR MIT", True),
        ("GPL-3.0-or-later", False),
        ("MIT AND AGPL-3.0-only", False),
        ("LicenseRef-Proprietary", False),
        ("none given", False),
        ("", False),
    ],
)
def test_the_gate_knows_copyleft_from_permission(expression: str, allowed: bool) -> None:
    assert licences.is_allowed(expression) is allowed


def test_every_model_has_a_licence_that_its_page_can_show() -> None:
    assert all(entry.licence for entry in catalog.entries())


def test_the_bill_lists_every_package_and_every_model_file() -> None:
    told = bill_of_materials()
    assert (told["bomFormat"], told["specVersion"], told["version"]) == ("CycloneDX", "1.6", 1)
    assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", told["serialNumber"])
    libraries = {each["name"]: each for each in told["components"] if each["type"] == "library"}
    models = {each["name"]: each for each in told["components"] if each["type"] == "machine-learning-model"}
    assert set(libraries) == set(packages())
    for name, each in libraries.items():
        assert each["version"] == metadata.version(name).split("+")[0]
        assert each["purl"] == f"pkg:pypi/{name}@{each['version']}"
    for entry in catalog.entries():
        digests = {file["name"]: file["hashes"][0]["content"] for file in models[entry.name]["components"]}
        assert digests == {file.path: file.sha256 for file in entry.files}
    references = [each["bom-ref"] for component in told["components"] for each in (component, *component.get("components", ()))]
    assert len(references) == len(set(references))
    count("packages and model files in the bill of materials", len(references) - len(models))


def test_the_same_environment_gives_the_same_bill() -> None:
    assert json.dumps(bill_of_materials()) == json.dumps(bill_of_materials())
    assert str(REPOSITORY) not in json.dumps(bill_of_materials())
    assert bill.__doc__


@pytest.mark.parametrize(
    ("packages", "status"),
    [
        ([{"name": "a", "version": "1", "vulns": []}], 0),
        ([{"name": "a", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["2"]}]}], 1),
        ([{"name": "a", "skip_reason": "not found"}], 3),
        ([{"name": "a", "version": "1", "vulns": []}, {"name": "b", "skip_reason": "not found"}], 3),
        ([], 3),
    ],
)
def test_an_audit_that_could_look_nothing_up_is_not_taken_for_a_clean_one(packages: list[dict[str, object]], status: int) -> None:
    assert audit.verdict({"dependencies": packages})[0] == status
