"""Questions to everything that matches: how they are recognised, cut into steps, asked, and how the parts become one.

It holds the prompts of a survey and what their replies are worth. It knows no model and no index.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ragcli.steps.citing import SPACED_MARKER
from ragcli.steps.claims import numbers_in
from ragcli.steps.defusing import defuse_text
from ragcli.steps.prompting import SYSTEM, describe_source
from ragcli.steps.sentences import find_loop, split_sentences, words_of
from ragcli.types import Citation, Hit, Message, Prompt, SurveyKind

NONE = "NONE"
LONGEST_ITEM = 240
"""Characters: what is longer is a paragraph that was copied, and no item."""
SAME_SHARE = 0.5
"""Two items are one if all words of the shorter are in the longer and make at least this share of it."""

_LIST = re.compile(
    r"^\W*(?:please |bitte |could you )*(?:"
    r"(?:list|name|enumerate|show(?: me)?|give(?: me)?|find|what are|which are)(?: of)? (?:all|every|each)\b(?: of)?(?: the)?"
    r"|(?:give me |make )?(?:a |the )(?:complete|full) list of(?: all)?(?: the)?"
    r"|(?:liste|nenne?|zeige?|gib|zähle?)(?: mir)?(?: bitte)?(?: alle| sämtliche| jede[nrs]?)\b(?: auf)?"
    r"|(?:liste[rz]?|énumère[rz]?|nomme[rz]?|cite[rz]?|donne[rz]?(?:-moi)?|quel(?:le)?s sont) (?:tous|toutes) les"
    r"|(?:lista|enumera|nombra|di(?:me)?|da(?:me)?|cuáles son) (?:todos|todas) l[oa]s"
    r"|(?:elenca(?:mi)?|elencare|quali sono) tutt[ie]|(?:liste|enumere|quais são) tod[oa]s"
    r"|(?:noem|geef|som|toon)(?: me)? alle\b)"
    r"|列出(?:所有|全部)|(?:すべて|全て).*(?:列挙|挙げ)|모두 (?:나열|열거)|모든 .*(?:나열|열거)",
    re.IGNORECASE,
)
_HOW_MANY = re.compile(
    r"^\W*(?:how many|count|wie ?viele|zähle?|combien|compte[rz]?|cuánt[oa]s|cuenta|quant[ei]|quant[oa]s|conta|hoeveel|tel)\b"
    r"|多少|几[个次份]|いくつ|何[件個人]|몇",
    re.IGNORECASE,
)
_IN_ALL = re.compile(
    r"\b(?:in (?:total|all)|altogether|overall"
    r"|(?:across|in) (?:all )?(?:my|the|these|your) (?:files|documents|notes|mails?|e-?mails|folder)"
    r"|(?:different|distinct)\b.* (?:are there|do we have|do i have)|count (?:all|every|the)"
    r"|insgesamt|in (?:allen|meinen|den) (?:dateien|dokumenten|notizen|mails)|zähle? (?:alle|die)"
    r"|en tout|au total|dans (?:tous )?(?:mes|les) (?:fichiers|documents|notes)|compte[rz]? (?:tous|toutes|les)"
    r"|en total|en (?:todos )?(?:mis|los) (?:archivos|documentos|ficheros)|in totale|nei (?:miei )?(?:file|documenti)"
    r"|no total|nos (?:meus )?(?:arquivos|documentos)|in totaal|in (?:mijn|de|alle) (?:bestanden|documenten))\b"
    r"|(?:文件|文档)(?:中|里)?一共|总共|合計|全部で|총 ?몇",
    re.IGNORECASE,
)
_SUMMARY = re.compile(
    r"^\W*(?:please |bitte )*(?:summari[sz]e|sum up|give (?:me )?an? (?:summary|overview) of|fasse?\b|zusammenfassung"
    r"|résume[rz]?|resume|resumir|riassumi|resuma|vat\b|samenvat)",
    re.IGNORECASE,
)
_FOLDER = r"(?:folder|directory|ordner|verzeichnis|dossier|carpeta|cartella|pasta|map)"

LIST_TASK = (
    'Write down everything in the text that belongs in a complete answer: one thing a line, each beginning with "- ", '
    f"in words copied from the text. Write nothing else. If the text has nothing that answers, write {NONE}."
)
NOTE_TASK = (
    "Say in one or two short sentences what this text says, with its own words and its important names, numbers and dates, "
    "in the language of the text. Write nothing else."
)
CONDENSE_TASK = (
    "These are notes on parts of one {whole}, in order. Write a summary of the {whole} in at most {sentences} sentences, with "
    "the words of the notes, in their language. Write nothing else."
)


@dataclass(frozen=True, slots=True)
class Run:
    """Chunks of one file that are read in one step, in their order."""

    hits: tuple[Hit, ...]

    @property
    def path(self) -> Path:
        return self.hits[0].chunk.path

    @property
    def text(self) -> str:
        """The chunks below their headings; a heading that two share is said once."""
        lines: list[str] = []
        above = ""
        for hit in self.hits:
            head = describe_source(hit)
            lines += [hit.chunk.text] if head == above else [head, hit.chunk.text]
            above = head
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Found:
    """A statement, and each chunk that bears it out with the citation that shows how."""

    text: str
    places: tuple[tuple[Hit, Citation], ...]


# ---- recognising -----------------------------------------------------------------------------


def recognise_survey(question: str) -> SurveyKind | None:
    """What the question asks of the files as a whole; None for one that a few passages may answer.

    "How many" alone asks for a fact that stands somewhere: it counts only with "in all", or "in my files".
    """
    if _HOW_MANY.search(question) and _IN_ALL.search(question):
        return "count"
    return "list" if _LIST.search(question) else None


def survey_kind(question: str) -> SurveyKind:
    """What a question that is asked of all that matches wants: a number, or else a list."""
    return "count" if _HOW_MANY.search(question) else "list"


def find_summary_target(question: str, paths: Iterable[Path]) -> Path | None:
    """The file or folder of these that the question wants summarised and names; None if it names none, or more than one."""
    if not _SUMMARY.search(question):
        return None
    asked = question.casefold()
    candidates = {place for path in paths for place in (path, *path.parents) if place.name}
    named = [place for place in candidates if _is_named(place.name.casefold(), asked)]
    return named[0] if len(named) == 1 else None


def _is_named(name: str, asked: str) -> bool:
    """A folder's name is often a common word: the question has to say that it is one, or to end it with a slash."""
    if "." in name:
        return re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", asked) is not None
    quoted = rf"[\"'“‘«]?(?<!\w){re.escape(name)}[\"'”’»]?"
    return re.search(rf"{quoted} {_FOLDER}\b|\b{_FOLDER} {quoted}(?!\w)|(?<!\w){re.escape(name)}/", asked) is not None


def subject_of(question: str) -> str:
    """The question without the words that only say how much is wanted; the whole of it if nothing would be left."""
    rest = _LIST.sub("", question, count=1)
    rest = _IN_ALL.sub("", _HOW_MANY.sub("", rest, count=1)).strip(" \n.?!:,？。")
    return rest if words_of(rest) else question


# ---- cutting into steps ----------------------------------------------------------------------


def cut_runs(hits: Sequence[Hit], *, budget: int, count_tokens: Callable[[str], int]) -> tuple[Run, ...]:
    """The hits of one file, in order, as runs of at most ``budget`` tokens; a longer chunk is a run of its own."""
    runs: list[Run] = []
    taken: list[Hit] = []
    used = 0
    for hit in sorted(hits, key=lambda hit: hit.chunk.ordinal):
        tokens = count_tokens(hit.chunk.text)
        if taken and used + tokens > budget:
            runs.append(Run(tuple(taken)))
            taken, used = [], 0
        taken.append(hit)
        used += tokens
    return tuple(runs) + ((Run(tuple(taken)),) if taken else ())


def group_by_file(hits: Iterable[Hit]) -> dict[Path, list[Hit]]:
    """The hits of each file, the file of the first hit first."""
    files: dict[Path, list[Hit]] = {}
    for hit in hits:
        files.setdefault(hit.chunk.path, []).append(hit)
    return files


def interleave(runs_of_files: Sequence[Sequence[Run]]) -> Iterator[Run]:
    """The first run of every file, then the second: whoever stops early has the beginning of each."""
    for place in range(max(map(len, runs_of_files), default=0)):
        yield from (runs[place] for runs in runs_of_files if place < len(runs))


def limit_runs(runs: Sequence[Run], limit: int | None) -> list[Run]:
    """The first runs that hold ``limit`` chunks together, or all; at least one. Whole runs, so that a later survey knows them."""
    chosen: list[Run] = []
    taken = 0
    for run in runs:
        if limit is not None and taken >= limit:
            break
        chosen.append(run)
        taken += len(run.hits)
    return chosen


# ---- asking ----------------------------------------------------------------------------------


def build_list_prompt(question: str, run: Run) -> Prompt:
    return _prompt(f"{defuse_text(run.text, question)}\n\nQuestion: {question}\n{LIST_TASK}")


def build_note_prompt(run: Run, focus: str) -> Prompt:
    wanted = f"What matters is: {focus}\n" if focus else ""
    return _prompt(f"{defuse_text(run.text, focus)}\n\n{wanted}{NOTE_TASK}")


def build_condense_prompt(notes: Sequence[str], *, whole: str, sentences: int, focus: str) -> Prompt:
    told = "\n".join(f"- {note}" for note in notes)
    wanted = f"What matters is: {focus}\n" if focus else ""
    return _prompt(f"{told}\n\n{wanted}{CONDENSE_TASK.format(whole=whole, sentences=sentences)}")


def _prompt(user: str) -> Prompt:
    return Prompt((Message("system", SYSTEM), Message("user", user)))


# ---- what replies are worth ------------------------------------------------------------------


def read_items(reply: str) -> tuple[str, ...]:
    """The lines of a list, without bullets, numbers and markers, each once; none if the reply says that there is none."""
    items: dict[str, None] = {}
    for line in reply[: find_loop(reply)].splitlines():
        bare = re.sub(r"^\s*(?:[-*•–]|\d{1,3}[.)])\s+", "", SPACED_MARKER.sub("", line)).strip(' \t*`"“”')
        if bare.strip(".").upper() == NONE or bare.endswith(":") or not words_of(bare) or len(bare) > LONGEST_ITEM:
            continue
        items.setdefault(bare)
    return tuple(items)


def read_sentences(reply: str) -> tuple[str, ...]:
    """The sentences of a note or a summary, without bullets and markers."""
    plain = re.sub(r"(?m)^\s*(?:[-*•]|\d{1,2}[.)])\s+", "", SPACED_MARKER.sub("", reply[: find_loop(reply)]))
    sentences = (" ".join(plain[start:end].split()) for start, end in split_sentences(plain))
    return tuple(dict.fromkeys(sentence for sentence in sentences if words_of(sentence) and not sentence.endswith(":")))


def merge_found(found: Iterable[Found]) -> tuple[Found, ...]:
    """Each thing once, in order of first mention, in its fullest words and with all its places."""
    merged: list[Found] = []
    for each in found:
        same = next((place for place, other in enumerate(merged) if is_same(each.text, other.text)), None)
        if same is None:
            merged.append(each)
            continue
        fuller = max(merged[same].text, each.text, key=lambda text: len(words_of(text)))
        merged[same] = Found(fuller, tuple(dict.fromkeys(merged[same].places + each.places)))
    return tuple(merged)


def is_same(one: str, other: str) -> bool:
    """Whether two items name one thing: the words of the shorter are among the longer's, and no number differs."""
    shorter, longer = sorted((words_of(one), words_of(other)), key=len)
    if not shorter <= longer or len(shorter) < SAME_SHARE * len(longer):
        return False
    return shorter == longer or numbers_in(one) == numbers_in(other)
