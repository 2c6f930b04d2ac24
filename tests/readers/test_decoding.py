"""Bytes to text: decoded right, or refused with a reason; and whatever is decoded can be cut into chunks of itself."""

from __future__ import annotations

import codecs
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcli.adapters.readers.decoding import decode
from ragcli.adapters.readers.parsed import UnreadableError
from ragcli.adapters.readers.parsing import parse
from ragcli.steps.chunking import chunk_document
from ragcli.types import REASONS, Document
from tests.contracts.test_reader import assert_sound
from tests.fakes.split import split_words

SENTENCES = {
    "cp1252": (
        "Die Bäckerei öffnet früh am Morgen, schöne Grüße.",
        "L’été dernier, le garçon a mangé une crêpe près de la forêt.",
        "El señor García vive en Málaga. ¿Qué más podría pasar?",
        "Åsa gick över ån för att köpa bröd på lördagen.",
        "A situação não é fácil, mas trará mudanças à região.",
        "The report says “don’t panic” – the café is open. " + "Plain words follow here and there. " * 30,
    ),
    "cp1250": (
        "Wczoraj poszedłem do sklepu, żeby kupić chleb i masło.",
        "Příliš žluťoučký kůň úpěl ďábelské ódy.",
        "Árvíztűrő tükörfúrógép. Tegnap este együtt vacsoráztunk.",
    ),
    "cp1254": ("İstanbul çok büyük bir şehirdir, güneş doğuyor.",),
    "cp1251": ("Это русский текст, который нужно прочитать без ошибок.",),
    "shift_jis": ("東京は大きな都市です。日本語の文章がここにあります。", "次にファイルを開きます。README.txt を読む。"),
    "gb18030": ("这是一个中文文件，里面有很多字。北京是中国的首都。",),
    "big5": ("這是一個中文檔案，裡面有很多字。台北是台灣的首都。",),
    "euc_kr": ("이것은 한국어 문서입니다. 서울은 대한민국의 수도입니다.",),
    "iso2022_jp": ("日本語の文章がここにあります。",),
    "utf-16-le": (
        "Это русский текст.\nВторая строка здесь.",
        "这是一个中文文件。\n北京是中国的首都。\n",
        "Plain English words.\n",
    ),
    "utf-16-be": ("Это русский текст.\nВторая строка здесь.", "Grüße an alle, die dies lesen.\n"),
}


@pytest.mark.parametrize(("encoding", "text"), [(name, text) for name, texts in SENTENCES.items() for text in texts])
def test_a_sentence_in_an_old_encoding_is_read_as_it_was_written(encoding: str, text: str) -> None:
    assert decode(text.encode(encoding)) == text


@pytest.mark.parametrize("encoding", ["cp1252", "shift_jis"])
def test_a_file_put_together_from_two_encodings_is_read_line_by_line(encoding: str) -> None:
    old = {"cp1252": "Señor García war da", "shift_jis": "東京は大きな都市です。日本語の文章"}[encoding]
    new = "Größe über alles 天气"
    mixed = (f"{new}\n" * 4).encode() + (f"{old}\n" * 4).encode(encoding)
    assert decode(mixed) == f"{new}\n" * 4 + f"{old}\n" * 4


def test_a_mark_that_lies_about_utf8_is_not_believed() -> None:
    assert decode(codecs.BOM_UTF8 + "Größe über alles".encode("cp1252")) == "Größe über alles"


@pytest.mark.parametrize("data", [codecs.BOM_UTF16_LE + bytes(range(128, 256)) * 40, bytes(range(1, 256)) * 20])
def test_bytes_that_are_no_text_are_refused(data: bytes) -> None:
    with pytest.raises(UnreadableError) as refusal:
        decode(data)
    assert refusal.value.reason == "encoding"


@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0\ufeff\x1b")),
    st.sampled_from(["utf-8-sig", "utf-8"]),
)
def test_any_text_in_utf8_is_read_as_it_is(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding)) == text


@given(
    st.one_of(st.binary(max_size=400), st.text(max_size=200).map(lambda text: text.encode("utf-16", "replace"))),
    st.sampled_from(["txt", "md", "csv", "xml", "eml", "srt", "py", "ipynb", ""]),
)
def test_any_bytes_are_refused_or_become_chunks_of_their_own_text(data: bytes, ending: str) -> None:
    try:
        parsed = parse(data, f"any.{ending}")
    except UnreadableError as refusal:
        assert refusal.reason in REASONS
        return
    if not parsed.blocks:
        return
    document = Document(Path("any"), "any", parsed.text, "0" * 64, parsed.kind, parsed.blocks)
    assert_sound(document)
    chunks = chunk_document(document, source_id="0" * 32, split=split_words, token_limit=96)
    assert all(document.text[chunk.start : chunk.end] == chunk.text for chunk in chunks)
    for chunk in chunks:
        chunk.text.encode("utf-8")  # no store takes half a character
    gone = "".join(
        document.text[left:right]
        for left, right in zip([0, *(c.end for c in chunks)], [*(c.start for c in chunks), len(document.text)], strict=True)
    )
    assert not gone.strip()
