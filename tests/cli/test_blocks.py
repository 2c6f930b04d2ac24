"""An answer is printed block by block, each once, and never drawn over."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prompt_toolkit.utils import get_cwidth

from ragcli.cli.shell.blocks import MarkdownBlocks, fitting_end

ANSWER = """The lease ends on 31 May 2027 [1].

- one
- two
```python
x = 1

y = 2
```
| a | b |
|---|---|
| 1 | 2 |

~~~
```
~~~
The end"""
BLOCKS = ["The lease ends", "- one", "```python", "| a | b |", "~~~", "The end"]


@given(st.lists(st.integers(1, 12), min_size=1))
def test_blocks_are_the_same_however_the_text_comes(sizes: list[int]) -> None:
    blocks, found, at = MarkdownBlocks(), [], 0
    for turn in range(len(ANSWER)):
        size = sizes[turn % len(sizes)]
        found += blocks.feed(ANSWER[at : at + size])
        at += size
    found += blocks.flush()
    assert [block.strip().splitlines()[0][:14].rstrip() for block in found] == [block[:14].rstrip() for block in BLOCKS]
    assert "".join(found) == ANSWER
    assert blocks.rest == ""


@given(st.lists(st.sampled_from(["a", "\n", "```", "~~~", " ", "- b", "\n\n"]), max_size=60))
def test_no_text_is_lost_or_said_twice(pieces: list[str]) -> None:
    blocks = MarkdownBlocks()
    found = [block for piece in pieces for block in blocks.feed(piece)]
    assert "".join(found) + blocks.rest == "".join(pieces)


@pytest.mark.parametrize(
    ("text", "width", "end"), [("abc", 2, "bc"), ("abc", 9, "abc"), ("a漢字", 3, "字"), ("", 5, ""), ("abc", 0, "")]
)
def test_the_open_line_is_the_end_of_what_was_written(text: str, width: int, end: str) -> None:
    assert fitting_end(text, width) == end


@given(st.text(), st.integers(0, 40))
def test_the_open_line_never_wraps(text: str, width: int) -> None:
    assert get_cwidth(fitting_end(text, width)) <= width
