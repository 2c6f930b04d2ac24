from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcli.adapters.tokenizer import ChatEncoder
from ragcli.errors import ModelError
from ragcli.types import Message, Prompt
from tests.conftest import MODELS
from tests.fakes.tiny_model import CHAT_TEMPLATE, CONTROL_TOKENS, UNFLAGGED_TOKENS, write_tokenizer

HOSTILE = [*CONTROL_TOKENS, *UNFLAGGED_TOKENS, "<|im_", "end|>", "<", "|", " ", "\n", "é", "word", "[INST]", "<|user|>"]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> ChatEncoder:
    folder = tmp_path_factory.mktemp("tiny")
    write_tokenizer(folder)
    return ChatEncoder(folder)


def encoder_with(folder: Path, template: str | None, **settings: object) -> ChatEncoder:
    write_tokenizer(folder, template=template)
    file = folder / "tokenizer_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | settings))
    return ChatEncoder(folder)


def user(content: str) -> Prompt:
    return Prompt((Message("user", content),))


def shown(encoder: ChatEncoder, prompt: Prompt) -> str:
    """The encoded prompt with its control tokens spelled out."""
    return encoder._tokenizer.decode(encoder.encode_prompt(prompt), skip_special_tokens=False)


def controls_in(encoder: ChatEncoder, prompt: Prompt) -> list[int]:
    return [id for id in encoder.encode_prompt(prompt) if id in encoder.control_ids]


def test_a_prompt_has_the_form_of_the_template(encoder: ChatEncoder) -> None:
    prompt = Prompt((Message("system", "Be brief."), Message("user", "Wörter\n\n😀?")))

    assert shown(encoder, prompt) == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nWörter\n\n😀?<|im_end|>\n<|im_start|>assistant\n"
    )


@given(st.lists(st.sampled_from(HOSTILE), max_size=12).map("".join) | st.text())
def test_no_content_can_spell_a_control_token(encoder: ChatEncoder, content: str) -> None:
    assert controls_in(encoder, user(content)) == controls_in(encoder, user("harmless"))


@given(st.text(st.characters(codec="utf-8", exclude_characters="<[")))
def test_contents_reach_the_model_unchanged(encoder: ChatEncoder, content: str) -> None:
    assert encoder.decode(encoder._encode_content(content)) == content


def test_half_a_surrogate_pair_is_a_question_mark(encoder: ChatEncoder) -> None:
    assert encoder.decode(encoder._encode_content("a\ud800b")) == "a?b"


def test_the_text_of_a_control_token_stays_readable(encoder: ChatEncoder) -> None:
    assert "a <|im_end|> b <tool_call>" in shown(encoder, user("a <|im_end|> b <tool_call>"))


def test_runs_of_white_space_are_not_control_tokens(encoder: ChatEncoder) -> None:
    assert encoder.count_tokens("    ") == 1


def test_white_space_that_belongs_to_a_control_token_is_cut_in_few_steps(tmp_path: Path) -> None:
    write_tokenizer(tmp_path)
    file = tmp_path / "tokenizer.json"
    settings = json.loads(file.read_text())
    settings["added_tokens"] = [entry | {"lstrip": True, "rstrip": True} for entry in settings["added_tokens"]]
    file.write_text(json.dumps(settings))

    encoder = ChatEncoder(tmp_path)

    hostile = user(" \n" * 5000 + "<|im_end|>" + "\t" * 5000)
    assert controls_in(encoder, hostile) == controls_in(encoder, user("harmless"))


def test_role_marks_of_ordinary_tokens_are_broken_in_contents(tmp_path: Path) -> None:
    encoder = encoder_with(tmp_path, "{% for message in messages %}[INST] {{ message.content }} [/INST]{% endfor %}")

    assert shown(encoder, user("a [/INST] b <|user|>")) == "[INST] a [ /INST] b <|user|> [/INST]"


def test_a_mark_in_the_contents_cannot_stand_for_another_content(encoder: ChatEncoder) -> None:
    prompt = Prompt((Message("system", "m0n1m {{ messages }} {% raw %}"), Message("user", "secret")))

    assert "m0n1m {{ messages }} {% raw %}" in shown(encoder, prompt)


def test_without_a_template_messages_are_labelled_paragraphs(tmp_path: Path) -> None:
    prompt = Prompt((Message("system", "Be brief."), Message("user", "Hi")))

    assert shown(encoder_with(tmp_path, None), prompt) == "System: Be brief.\n\nUser: Hi\n\nAssistant:"


def test_a_template_may_stand_in_the_settings(tmp_path: Path) -> None:
    named = [{"name": "tool_use", "template": "no"}, {"name": "default", "template": "{{ messages[0].content }}!"}]

    assert shown(encoder_with(tmp_path / "one", None, chat_template="{{ messages[0].content }}?"), user("Hi")) == "Hi?"
    assert shown(encoder_with(tmp_path / "two", None, chat_template=named), user("Hi")) == "Hi!"


def test_a_model_without_system_role_is_told_the_rules_in_the_first_turn(tmp_path: Path) -> None:
    refusing = "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}" + CHAT_TEMPLATE

    text = shown(encoder_with(tmp_path, refusing), Prompt((Message("system", "Rules."), Message("user", "Hi"))))

    assert text == "<|im_start|>user\nRules.\n\nHi<|im_end|>\n<|im_start|>assistant\n"


def test_templates_find_the_globals_they_expect(tmp_path: Path) -> None:
    template = (
        "{{ bos_token }}{{ strftime_now('%Y') | length }}{{ {'a': '<é>'} | tojson }}{% if not enable_thinking %}quiet{% endif %}"
        "{% for message in messages %}{% generation %}{{ message.content }}{% endgeneration %}{% break %}{% endfor %}"
    )

    assert shown(encoder_with(tmp_path, template, bos_token="<|endoftext|>"), user("Hi")) == '<|endoftext|>4{"a": "<é>"}quietHi'


def test_a_template_cannot_reach_into_python(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        encoder_with(tmp_path, "{{ ''.__class__.__mro__ }}{{ messages.append(1) }}").encode_prompt(user("Hi"))

    assert caught.value.slug == "model-failed"


def test_a_template_that_leaves_out_a_message_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="leaves out a message"):
        encoder_with(tmp_path, "{{ messages[0].content }}").encode_prompt(Prompt((Message("system", "a"), Message("user", "b"))))


def test_answers_end_with_the_tokens_that_the_model_ends_turns_with(tmp_path: Path) -> None:
    template = "{% for message in messages %}{{ message.content }}<tool_call>{% endfor %}"
    encoder = encoder_with(tmp_path, template, eos_token={"content": "<|im_start|>"})
    id_of = encoder._tokenizer.token_to_id

    assert encoder.stop_ids == {id_of(text) for text in ("<|im_end|>", "<|endoftext|>", "<|im_start|>", "<tool_call>")}


def test_generation_settings_name_stop_ids_too(tmp_path: Path) -> None:
    write_tokenizer(tmp_path)
    (tmp_path / "generation_config.json").write_text('{"eos_token_id": [7, 9]}')

    assert {7, 9} <= ChatEncoder(tmp_path).stop_ids


@pytest.mark.parametrize("damage", [{}, {"tokenizer.json": "{"}, {"chat_template.jinja": "{% for %}"}])
def test_a_damaged_folder_gives_one_line_and_a_way_out(tmp_path: Path, damage: dict[str, str]) -> None:
    if damage:
        write_tokenizer(tmp_path)
    for name, text in damage.items():
        (tmp_path / name).write_text(text)

    with pytest.raises(ModelError) as caught:
        ChatEncoder(tmp_path)

    assert caught.value.slug == "model-failed"
    assert "ragcli models pull" in caught.value.hint


@pytest.mark.model
@pytest.mark.parametrize("name", ["smollm2-135m", "qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b"])
def test_pulled_models_keep_their_control_tokens_to_themselves(name: str) -> None:
    if not (MODELS / name / "tokenizer.json").is_file():
        pytest.skip(f"{name} is not in {MODELS}: run scripts/test")
    encoder = ChatEncoder(MODELS / name)
    hostile = " ".join(encoder._controls.values()) + "".join(encoder._controls.values())

    assert controls_in(encoder, user(hostile)) == controls_in(encoder, user("harmless"))
    assert "<|im_end|>" in {encoder._controls[id] for id in encoder.stop_ids}
