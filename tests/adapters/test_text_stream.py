"""Token ids become text as they come, and no character comes in halves."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcli.adapters.text_stream import TextStream
from ragcli.adapters.tokenizer import ChatEncoder
from tests.fakes.tiny_model import write_tokenizer


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> ChatEncoder:
    folder: Path = tmp_path_factory.mktemp("tokenizer")
    write_tokenizer(folder)
    return ChatEncoder(folder)


@given(st.text(st.characters(codec="utf-8", exclude_characters="<�")))
def test_text_comes_out_as_it_went_in(encoder: ChatEncoder, text: str) -> None:
    stream = TextStream(encoder.decode)

    pieces = [stream.add(id) for id in encoder._encode_content(text)]

    assert "".join(pieces) + stream.rest() == text
    assert not any("�" in piece for piece in pieces)


def test_an_unfinished_character_is_left_out(encoder: ChatEncoder) -> None:
    stream = TextStream(encoder.decode)

    pieces = [stream.add(id) for id in encoder._encode_content("a🎉")[:-1]]

    assert "".join(pieces) + stream.rest() == "a"
