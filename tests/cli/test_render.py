"""Golden texts: what people see."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ragcli.cli.showing import passages, render
from ragcli.cli.showing.paper import Paper
from ragcli.types import (
    Answer,
    Chunk,
    Citation,
    Context,
    Finding,
    Hit,
    Indexed,
    IndexFinished,
    IndexReport,
    Locator,
    Moved,
    Passage,
    Planned,
    Question,
    Removed,
    Root,
    ScorePart,
    SearchResult,
    StoreStats,
    Unreadable,
)

PLAIN = Paper()
COLOR = Paper(color=True, terminal=True)
UNWATCHED = Finding("watcher", "ok", "none is running")


def chunk(path: str, text: str, locator: Locator, heading: tuple[str, ...] = ()) -> Chunk:
    return Chunk("id", "source", Path(path), "title", heading, 0, 0, len(text), text, locator, "digest")


LEASE = chunk("/lease.md", "The lease ends in May.", Locator(lines=(3, 4)), ("Terms", "End"))
SCAN = chunk("/report.pdf", "Costs fell.", Locator(page=3))


def test_search() -> None:
    parts = (ScorePart("meaning", 0.8123, 1.0, 1), ScorePart("marks", 0.5, 0.2), ScorePart("names", 0.4, 0.25, 2))
    hits = (Hit(LEASE, 1.0123, 1, None, 0.8123, parts), Hit(SCAN, 0.5, None, 1, parts=(ScorePart("words", 8.41, 0.0594, 1),)))
    result = SearchResult(Question("lease costs"), hits, {"search": 12.4})
    assert list(passages.search_lines(result, PLAIN, explain=True)) == [
        "1. /lease.md:3-4  Terms › End",
        "   score 1.012 = meaning 0.81 × 1 (rank 1) + marks 0.50 × 0.2 + named by rank 2 0.40 × 0.250",
        "   The lease ends in May.",
        "",
        "2. /report.pdf, page 3",
        "   score 0.500 = words 8.41 × 0.0594 (rank 1)",
        "   Costs fell.",
        "",
        "took search 12 ms",
    ]
    assert list(passages.search_lines(result, COLOR))[:2] == [
        "\x1b[2m1.\x1b[0m \x1b[36m/lease.md:3-4\x1b[0m  \x1b[1mTerms › End\x1b[0m",
        "   The \x1b[1mlease\x1b[0m ends in May.",
    ]


def test_citations_once_each_in_order_and_the_doubtful_marked() -> None:
    lease = Citation(2, LEASE.path, LEASE.locator, "ends in\nMay", True)
    doubtful = Citation(1, SCAN.path, SCAN.locator, "", False)
    answer = Answer(Question("q"), "text", "answered", 0.9, (lease, doubtful, lease))
    assert list(passages.citation_lines(answer, PLAIN)) == [
        "[1] /report.pdf, page 3  (not borne out by this passage)",
        "[2] /lease.md:3-4  “ends in May”",
    ]


def test_a_heading_that_is_the_place_is_told_once() -> None:
    chunk = replace(LEASE, path=Path("/page.html"), locator=Locator(label="Terms > End"), heading=("Terms", "End"))
    assert passages.hit_head(Hit(chunk, 1.0), PLAIN) == "/page.html, Terms > End"
    assert passages.hit_head(Hit(replace(chunk, locator=Locator(page=2)), 1.0), PLAIN) == "/page.html, page 2  Terms › End"


def test_a_long_heading_keeps_its_end_where_a_person_reads_it() -> None:
    hit = Hit(replace(LEASE, heading=("The lease of the house", "Terms", "How it ends")), 1.0)
    whole = "/lease.md:3-4  The lease of the house › Terms › How it ends"
    assert passages.hit_head(hit, replace(PLAIN, terminal=True, width=50)) == "/lease.md:3-4  …house › Terms › How it ends"
    assert passages.hit_head(hit, replace(PLAIN, width=50)) == whole
    assert passages.hit_head(hit, replace(PLAIN, terminal=True, width=90)) == whole


def test_how_a_hit_was_found_is_folded_between_words_where_a_person_reads_it() -> None:
    parts = (ScorePart("meaning", 0.8123, 1.0, 1), ScorePart("words", 8.41, 0.0594, 1))
    result = SearchResult(Question("q"), (Hit(LEASE, 1.31, parts=parts),))
    shown = list(passages.search_lines(result, replace(PLAIN, terminal=True, width=45), explain=True))
    assert shown[1:3] == ["   score 1.310 = meaning 0.81 × 1 (rank 1) +", "   words 8.41 × 0.0594 (rank 1)"]


def test_a_long_quote_stands_below_its_place_where_a_person_reads_it() -> None:
    quote = "The lease ends on 31 May 2027. The tenant may cancel it with three months' notice."
    answer = Answer(Question("q"), "text", "answered", 0.9, (Citation(1, LEASE.path, LEASE.locator, quote, True),))
    assert list(passages.citation_lines(answer, replace(PLAIN, terminal=True, width=60))) == [
        "[1] /lease.md:3-4",
        "    “The lease ends on 31 May 2027. The tenant may cancel it",
        "    with three months' notice.”",
    ]
    assert list(passages.citation_lines(answer, replace(PLAIN, width=60))) == [f"[1] /lease.md:3-4  “{quote}”"]


def test_an_answer_in_the_words_of_its_source_is_not_said_twice() -> None:
    words = "Der Mietvertrag endet\nam 31. August."
    said = Answer(Question("q"), "Der Mietvertrag endet am 31. August. [1]", "answered", 0.9)
    answer = replace(said, citations=(Citation(1, LEASE.path, LEASE.locator, words, True),))
    assert list(passages.citation_lines(answer, replace(PLAIN, terminal=True))) == ["[1] /lease.md:3-4"]
    assert list(passages.citation_lines(answer, PLAIN)) == ["[1] /lease.md:3-4  “Der Mietvertrag endet am 31. August.”"]


def test_a_person_sees_what_the_nearest_passages_say() -> None:
    text = "Rent is due monthly. The lease ends on 31 May 2027."
    answer = Answer(Question("When does the lease end?"), "", "no_evidence", 0.0, hits=(Hit(replace(LEASE, text=text), 1.0),))
    assert list(passages.nearest_lines(answer, replace(PLAIN, terminal=True))) == [
        "The nearest passages:",
        "  /lease.md:3-4  Terms › End",
        "    “The lease ends on 31 May 2027.”",
    ]


def test_a_passage_that_says_nothing_of_the_question_is_only_named() -> None:
    answer = Answer(Question("What is the password?"), "", "no_evidence", 0.0, hits=(Hit(LEASE, 1.0),))
    lines = ["The nearest passages:", "  /lease.md:3-4  Terms › End"]
    assert list(passages.nearest_lines(answer, replace(PLAIN, terminal=True))) == lines


def test_a_heading_says_nothing() -> None:
    text = "## End\n\nThe lease: see its end.\nTerms\nIt is about the lease and its end."
    answer = Answer(Question("the end?"), "", "no_evidence", 0.0, hits=(Hit(replace(LEASE, text=text), 1.0),))
    lines = list(passages.nearest_lines(answer, replace(PLAIN, terminal=True)))
    assert lines[2:] == ["    “The lease: see its end.”"]


def test_the_passage_of_an_answer_that_was_held_back_comes_first_with_its_sentence() -> None:
    near = [Hit(replace(LEASE, id=str(number), path=Path(f"/{number}.md")), 1.0) for number in range(4)]
    closest = Citation(3, near[2].chunk.path, near[2].chunk.locator, "It ends in May.", True)
    context = Context(tuple(Passage(number, hit, "text") for number, hit in enumerate(near, 1)), (), 9)
    answer = Answer(Question("q"), "", "no_evidence", 0.3, context=context, hits=tuple(near), closest=closest)
    assert list(passages.nearest_lines(answer, replace(PLAIN, terminal=True))) == [
        "The nearest passages:",
        "  /2.md:3-4  Terms › End",
        "    “It ends in May.”",
        "  /0.md:3-4  Terms › End",
        "  /1.md:3-4  Terms › End",
    ]


def test_nearest_are_few() -> None:
    answer = Answer(Question("q"), "", "no_evidence", 0.0, hits=(Hit(LEASE, 1.0),) * 9)
    assert list(passages.nearest_lines(answer, PLAIN)) == ["The nearest passages:"] + ["  /lease.md:3-4  Terms › End"] * 3
    assert list(passages.nearest_lines(Answer(Question("q"), "", "no_evidence", 0.0), PLAIN)) == []


def test_report() -> None:
    report = IndexReport(1200, 0, 3, 0, 4567, (Unreadable(Path("/x.pdf"), "encrypted", "RC4"),), {"hidden": 2, "vcs": 0})
    assert list(render.report_lines(report, PLAIN, seconds=75)) == [
        "Indexed in 1 min 15 s: 1,200 added, 3 removed; 4,567 passages embedded.",
        "Left out by rule: 2 hidden.",
        "Skipped 1 file: 1 encrypted.",
        "  /x.pdf: it is encrypted or needs a password (RC4)",
    ]
    assert list(render.report_lines(IndexReport(added=1, moved=2, removed=1), PLAIN)) == ["Indexed: 1 added, 2 moved, 1 removed."]
    assert list(render.report_lines(IndexReport(), PLAIN)) == ["Indexed: no files."]
    assert list(render.report_lines(IndexReport(added=1), PLAIN, dry_run=True, seconds=3)) == ["Would index: 1 added."]


def test_changes_worth_telling() -> None:
    assert render.change_line(Indexed(Path("/a"), 1), PLAIN) == "indexed /a (1 passage)"
    assert render.change_line(Removed(Path("/a")), PLAIN) == "removed /a"
    assert render.change_line(Moved(Path("/b"), Path("/a"), 1), PLAIN) == "moved /a to /b"
    assert render.change_line(Planned(0, 0, 0, 5, 0, {}), PLAIN) is None
    assert render.change_line(IndexFinished(IndexReport(unchanged=5)), PLAIN) is None
    assert (render.change_line(IndexFinished(IndexReport(added=1)), PLAIN) or "").startswith("up to date at ")


def test_status_counts_what_was_skipped_by_reason_and_marks_a_watcher_in_trouble() -> None:
    stats = StoreStats(5, 9, 3, 0, None, None, {"encrypted": 2, "binary": 1})
    watcher = Finding("watcher", "warning", "the last one ended without a word", "ragcli watch")
    lines = list(render.status_lines(stats, (), Path("/i"), watcher, COLOR, now=0.0))
    assert "\x1b[2mskipped       \x1b[0m3: 2 encrypted, 1 binary" in lines
    assert "\x1b[2mwatcher       \x1b[0m\x1b[33mthe last one ended without a word\x1b[0m" in lines


def test_status_of_an_empty_index() -> None:
    stats = StoreStats(0, 0, 0, 0, None, None)
    assert list(render.status_lines(stats, (), Path("/data/index"), UNWATCHED, PLAIN, now=0.0)) == [
        "files         0",
        "passages      0",
        "size          0 B",
        "watcher       none is running",
        "kept in       /data/index",
    ]


def test_status_names_every_folder() -> None:
    stats = StoreStats(5, 9, 0, 2_000_000, 0, None)
    lines = list(
        render.status_lines(stats, (Root(Path("/a"), "main"), Root(Path("/b"), "work")), Path("/i"), UNWATCHED, PLAIN, now=120.0)
    )
    assert lines[3] == "last indexed  2 minutes ago"
    assert lines[-2:] == ["folders       /a  (main)", "              /b  (work)"]


def test_findings() -> None:
    findings = [Finding("seal", "ok", "on"), Finding("disk\n", "error", "full", "free some")]
    assert list(render.finding_lines(findings, PLAIN)) == [
        "ok       seal: on",
        "error    disk␊: full",
        "         hint: free some",
    ]
    assert next(iter(render.finding_lines(findings, COLOR))) == "\x1b[32mok     \x1b[0m  seal: on"


def test_findings_name_files_as_a_person_does() -> None:
    finding = Finding("open file", "ok", "/home/me/index/ledger.db (SHA-256 12…)")
    assert list(render.finding_lines([finding], replace(PLAIN, terminal=True, home=Path("/home/me")))) == [
        "ok       open file: ~/index/ledger.db (SHA-256 12…)"
    ]
    assert "/home/me/index" in next(render.finding_lines([finding], replace(PLAIN, home=Path("/home/me"))))
