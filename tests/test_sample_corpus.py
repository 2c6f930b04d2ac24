"""The sample corpus keeps its promises: real formats, three languages, and questions whose answers stand where they say."""

from __future__ import annotations

import email
import email.policy
import functools
import html
import json
import re
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import pypdfium2 as pdfium
import pytest

SAMPLE = Path(__file__).resolve().parent.parent / "sample_corpus"
CORPUS = SAMPLE / "corpus"
QUESTIONS: list[dict[str, Any]] = [json.loads(line) for line in (SAMPLE / "questions.jsonl").read_text("utf-8").splitlines()]
LEFT_OUT = ("drafts/", ".env", ".ragignore")
FILES = sorted(path for path in CORPUS.rglob("*") if path.is_file())
INDEXED = [path for path in FILES if not path.relative_to(CORPUS).as_posix().startswith(LEFT_OUT)]

GRADES = {"easy": 22, "medium": 18, "hard": 14, "unanswerable": 14}
TYPES = {"answerable", "unanswerable", "multi-file", "cross-lingual"}
FORMATS = {
    "md", "txt", "pdf", "docx", "xlsx", "pptx", "odt", "html", "eml", "csv",
    "json", "yaml", "toml", "ipynb", "py", "epub", "rst", "srt", "log", "rtf",
}  # fmt: skip
ZIPPED = {"docx", "xlsx", "pptx", "odt", "epub"}
LARGEST_CORPUS = 1_500_000
COMMON_WORDS = {
    "en": {"the", "and", "of", "is", "are", "not", "with"},
    "de": {"der", "die", "und", "ist", "nicht", "wird", "mit"},
    "fr": {"le", "la", "et", "les", "des", "est", "pour"},
}


def collapse(text: str) -> str:
    return re.sub(r"\s+", " ", text.replace("\u00a0", " ")).strip()


def without_tags(markup: str) -> str:
    """Paragraphs and cells end in a space; runs inside of them join."""
    separated = re.sub(r"</(w:p|a:p|text:p|text:h|p|h\d|td|th|tr|li|si|t|title)>", " ", markup)
    return html.unescape(re.sub(r"<[^>]*>", "", separated))


def mail_text(raw: bytes) -> str:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    body = message.get_body(("plain",))
    assert body is not None
    return f"{message['Subject']}\n{body.get_content()}"


def pdf_text(path: Path, page: int | None) -> str:
    with pdfium.PdfDocument(path) as document:
        numbers = range(len(document)) if page is None else [page - 1]
        return collapse(" ".join(document[number].get_textpage().get_text_range() for number in numbers))


@functools.cache
def text_of(path: Path, page: int | None = None) -> str:
    """The text of a sample file, or of one page of a PDF; all but PDF by the standard library alone."""
    ending = path.suffix.lstrip(".")
    if ending == "pdf":
        return pdf_text(path, page)
    if ending in ZIPPED:
        with zipfile.ZipFile(path) as archive:
            parts = [name for name in archive.namelist() if name.endswith((".xml", ".xhtml"))]
            return collapse(" ".join(without_tags(archive.read(name).decode("utf-8")) for name in parts))
    if ending == "eml":
        return collapse(mail_text(path.read_bytes()))
    if ending == "ipynb":
        cells = json.loads(path.read_text("utf-8"))["cells"]
        return collapse("\n".join("".join(cell["source"]) for cell in cells))
    raw = path.read_text("utf-8")
    return collapse(without_tags(raw) if ending == "html" else raw)


def language_of(path: Path) -> str:
    words = re.findall(r"\w+", text_of(path).lower())
    return max(COMMON_WORDS, key=lambda language: sum(word in COMMON_WORDS[language] for word in words))


def texts_of(question: dict[str, Any]) -> list[str]:
    """One text for each file of the question; of a PDF only the page that the question names."""
    return [text_of(CORPUS / name, question.get("page") if name.endswith(".pdf") else None) for name in question["files"]]


ANSWERABLE = [pytest.param(question, id=question["id"]) for question in QUESTIONS if question["files"]]


def test_there_are_enough_files_and_formats_and_few_bytes() -> None:
    assert len(INDEXED) >= 44
    assert {path.suffix.lstrip(".") for path in INDEXED} == FORMATS
    assert sum(path.stat().st_size for path in FILES) < LARGEST_CORPUS


def test_english_prevails_and_german_and_french_have_five_documents_each() -> None:
    prose = [path for path in INDEXED if path.suffix in {".md", ".txt", ".rst", ".eml", ".html", ".odt", ".docx"}]
    languages = Counter(language_of(path) for path in prose)
    assert languages["de"] >= 5
    assert languages["fr"] >= 5
    assert languages["en"] > languages["de"] + languages["fr"]


def test_the_handbook_is_long_and_has_many_headings() -> None:
    handbook = (CORPUS / "handbook" / "volunteer-handbook.md").read_text("utf-8")
    assert len(handbook.split()) >= 2500
    assert len(re.findall(r"^##+ ", handbook, flags=re.MULTILINE)) >= 40


def test_superseded_rules_stand_in_the_archive_and_say_so() -> None:
    for name in ("weather-closure-2021.txt", "booking-and-cancellation-2022.rtf"):
        assert "SUPERSEDED" in (CORPUS / "archive" / name).read_text("utf-8")


def test_what_must_not_be_indexed_is_there_to_be_left_out() -> None:
    assert "drafts/" in (CORPUS / ".ragignore").read_text("utf-8").splitlines()
    assert list((CORPUS / "drafts").iterdir())
    secrets = [line for line in (CORPUS / ".env").read_text("utf-8").splitlines() if "=" in line]
    assert secrets
    assert all("NOT-A-REAL-SECRET" in line for line in secrets)


def test_no_indexed_file_repeats_a_secret_or_a_draft() -> None:
    for path in INDEXED:
        assert not re.search(r"NOT-A-REAL-SECRET|radio mast", text_of(path)), path.name


def test_addresses_and_numbers_are_fictional() -> None:
    for path in INDEXED:
        text = text_of(path)
        assert all(domain.endswith("example.org") for domain in re.findall(r"[\w.]+@([\w.-]*\w)", text)), path.name
        assert all(number.startswith("01") for number in re.findall(r"\b555-(\d{4})\b", text)), path.name


def test_ids_and_questions_are_unique() -> None:
    assert len({question["id"] for question in QUESTIONS}) == len(QUESTIONS)
    assert len({question["question"].casefold() for question in QUESTIONS}) == len(QUESTIONS)


def test_every_grade_has_its_share_and_every_type_is_known() -> None:
    grades = Counter(question["grade"] for question in QUESTIONS)
    assert len(QUESTIONS) >= 66
    assert all(grades[grade] >= least for grade, least in GRADES.items())
    assert set(grades) == set(GRADES)
    assert {question["type"] for question in QUESTIONS} == TYPES


def test_questions_are_asked_in_three_languages_in_every_state() -> None:
    for wanted in (True, False):
        asked = {question["lang"] for question in QUESTIONS if bool(question["answers"]) is wanted}
        assert asked == {"en", "de", "fr"}


def test_unanswerable_questions_have_no_answer_and_all_others_have_one() -> None:
    for question in QUESTIONS:
        unanswerable = question["type"] == "unanswerable"
        assert unanswerable == (question["grade"] == "unanswerable"), question["id"]
        assert bool(question["answers"]) is not unanswerable, question["id"]
        assert bool(question["files"]) is not unanswerable, question["id"]
        assert bool(question["evidence"]) is not unanswerable, question["id"]


def test_every_named_file_exists_and_is_indexed() -> None:
    indexed = {path.relative_to(CORPUS).as_posix() for path in INDEXED}
    for question in QUESTIONS:
        assert set(question["files"]) <= indexed, question["id"]
        assert {question.get("near_file")} - {None} <= indexed, question["id"]


def test_multi_file_questions_need_several_files_and_cross_lingual_ones_two_languages() -> None:
    for question in QUESTIONS:
        assert question["type"] != "multi-file" or len(question["files"]) > 1, question["id"]
        assert (question["type"] == "cross-lingual") == (question.get("doc_lang", question["lang"]) != question["lang"])


@pytest.mark.parametrize("question", ANSWERABLE)
def test_the_evidence_stands_in_one_of_the_files(question: dict[str, Any]) -> None:
    assert any(collapse(question["evidence"]) in text for text in texts_of(question))


@pytest.mark.parametrize("question", ANSWERABLE)
def test_some_wording_of_every_answer_stands_in_the_files(question: dict[str, Any]) -> None:
    text = " ".join(texts_of(question)).casefold()
    for alternatives in question.get("answers_all", [question["answers"]]):
        assert any(answer.casefold() in text for answer in alternatives), alternatives


@pytest.mark.parametrize("question", ANSWERABLE)
def test_a_page_is_named_where_the_first_file_is_a_pdf(question: dict[str, Any]) -> None:
    assert ("page" in question) == question["files"][0].endswith(".pdf")
