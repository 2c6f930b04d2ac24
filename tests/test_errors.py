"""Every failure has a family with its exit status, a slug that the family lists, one line and one hint."""

from __future__ import annotations

import re

import pytest

from ragcli import errors
from ragcli.errors import FAMILIES, RagError, UsageError


def documented() -> dict[str, tuple[int, set[str]]]:
    """The docstring's tree: family → (status, slugs)."""
    tree: dict[str, tuple[int, set[str]]] = {}
    name = ""
    for line in (errors.__doc__ or "").splitlines():
        if head := re.match(r"[├└]── (\w+)\s+(\d+)\s+(.*)", line):
            name, status, slugs = head.groups()
            tree[name] = int(status), words(slugs)
        elif name and line.startswith(("│", " ")):
            tree[name][1].update(words(line))
    return tree


def words(text: str) -> set[str]:
    return set(re.findall(r"[a-z]+(?:-[a-z]+)*", text))


def test_the_docstring_lists_exactly_the_families_statuses_and_slugs_of_the_code() -> None:
    assert documented() == {family.__name__: (family.status, set(family.slugs)) for family in FAMILIES}


def test_every_family_is_listed_and_has_a_status_of_its_own() -> None:
    assert set(RagError.__subclasses__()) == set(FAMILIES)
    assert [family.status for family in FAMILIES] == [2, 3, 4, 5, 6]
    special = {errors.DONE_WITH_SKIPS, errors.NO_EVIDENCE, errors.INTERRUPTED, errors.BROKEN_PIPE}
    assert special == {10, 11, 130, 141}


def test_a_slug_belongs_to_one_family() -> None:
    every = [slug for family in FAMILIES for slug in family.slugs]
    assert len(every) == len(set(every)) > 20
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)+", slug) for slug in every)


@pytest.mark.parametrize("family", FAMILIES)
def test_an_error_can_be_made_with_each_slug_of_its_family(family: type[RagError]) -> None:
    for slug in family.slugs:
        error = family(slug, "what happened", hint="what to type")
        assert (error.slug, error.message, error.hint, str(error)) == (slug, "what happened", "what to type", "what happened")


@pytest.mark.parametrize(
    ("family", "slug"), [(UsageError, "disk-full"), (UsageError, "no-such-slug"), (RagError, "bad-argument")]
)
def test_a_slug_of_another_family_is_a_bug(family: type[RagError], slug: str) -> None:
    with pytest.raises(ValueError, match="is not a slug of"):
        family(slug, "what happened", hint="what to type")


def test_an_error_without_a_hint_is_a_bug() -> None:
    with pytest.raises(ValueError, match="hint"):
        UsageError("bad-argument", "what happened", hint="")


def test_message_and_hint_are_one_line_whatever_they_are_made_of() -> None:
    error = UsageError("bad-argument", "a name\nof two\r\n  lines", hint="type\tthis\nand that")
    assert error.message == "a name of two lines"
    assert error.hint == "type this and that"
