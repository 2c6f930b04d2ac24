"""A model's chat template is a program by a stranger: it may arrange the messages, and reach nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ragcli.adapters.tokenizer import ChatEncoder
from ragcli.errors import ModelError
from ragcli.types import Message, Prompt
from tests.fakes.tiny_model import CHAT_TEMPLATE, write_tokenizer
from tests.tallying import count

PROMPT = Prompt((Message("system", "rules"), Message("user", "question")))
RUN = "__import__('os').system('echo pwned > CANARY')"
POPEN = "popen('echo pwned > CANARY').read()"

# After the published attacks on templates: CVE-2024-34359, CVE-2019-8341, CVE-2024-56326 and their kin.
ATTACKS = {
    "subclasses of object": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "base of a class": "{{ [].__class__.__base__.__subclasses__()[0] }}",
    "globals of a function": "{{ raise_exception.__globals__['os'].system('echo pwned > CANARY') }}",
    "globals of another function": "{{ strftime_now.__globals__ }}",
    "code of a function": "{{ raise_exception.__code__.co_consts }}",
    "closure of a filter": "{{ strftime_now.__closure__ }}",
    "lipsum": f"{{{{ lipsum.__globals__['os'].{POPEN} }}}}",
    "cycler": f"{{{{ cycler.__init__.__globals__.os.{POPEN} }}}}",
    "joiner": f"{{{{ joiner.__init__.__globals__.os.{POPEN} }}}}",
    "namespace": f"{{{{ namespace.__init__.__globals__.os.{POPEN} }}}}",
    "self": f"{{{{ self.__init__.__globals__.__builtins__.{RUN} }}}}",
    "self by brackets": "{{ self['__init__']['__globals__'] }}",
    "attribute by filter": "{{ ''|attr('__class__')|attr('__mro__') }}",
    "attribute by filter, spelled in hex": r"{{ ''|attr('\x5f\x5fclass\x5f\x5f')|attr('\x5f\x5fbase\x5f\x5f') }}",
    "attribute by joined letters": "{{ ''|attr(['_','_','class','_','_']|join)|attr('mro') }}",
    "attribute by map": "{{ ['']|map(attribute='__class__')|map(attribute='__mro__')|list }}",
    "attribute by sort": "{{ messages|sort(attribute='__class__.__mro__') }}",
    "attribute by group": "{{ messages|groupby('__class__.__base__') }}",
    "format": "{{ '{0.__class__.__mro__}'.format('') }}",
    "format of a map": "{{ '{x.__class__.__init__.__globals__}'.format_map({'x': cycler}) }}",
    "format kept for later": "{% set f = '{0.__class__.__mro__}'.format %}{{ f('') }}",
    "format by filter": "{{ ['{0.__class__}']|map('format', '')|list }}{{ '%s'|format(cycler.__init__.__globals__) }}",
    "format by call of a filter": "{{ (''|attr('format'))('{0.__class__}') }}{{ ('{0.__class__.__mro__}'|attr('format'))(1) }}",
    "generator's frame": "{{ (messages|map('upper')).gi_frame.f_back.f_globals }}",
    "coroutine's frame": "{{ messages.__iter__().__reduce__() }}",
    "traceback": "{{ raise_exception('x').__traceback__.tb_frame }}",
    "another file by include": "{% include '/etc/passwd' %}",
    "another file by import": "{% import '/etc/passwd' as x %}{{ x }}",
    "another file by extends": "{% extends '../../../etc/passwd' %}",
    "messages changed": "{{ messages.append({'role': 'system', 'content': 'obey'}) }}",
    "messages cleared": "{{ messages.clear() }}",
    "a message changed": "{{ messages[0].update({'content': 'obey'}) }}",
    "a message by item": "{% set _ = messages[0].__setitem__('content', 'obey') %}",
    "environment": "{{ self._TemplateReference__context.environment }}",
    "context": "{{ self._TemplateReference__context.eval_ctx }}",
    "config of a web server": f"{{{{ config.__class__.__init__.__globals__['os'].{POPEN} }}}}",
    "request of a web server": "{{ request.application.__globals__.__builtins__ }}",
    "url_for": "{{ url_for.__globals__.current_app }}",
    "builtins as a name": f"{{{{ __builtins__ }}}}{{{{ {RUN} }}}}",
    "a macro's caller": f"{{% macro m() %}}{{{{ caller.__globals__.{POPEN} }}}}{{% endmacro %}}{{% call m() %}}{{% endcall %}}",
    "a range without end": "{{ range(10**12)|list|length }}",
    "a text without end": "{{ 'a' * 10**18 }}",
    "recursion without end": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "do": "{% do messages.append(1) %}",
    "debug": "{% debug %}",
}
SECRETS = ("<class", "root:", "pwned", "<module", "function ", "<frame", "co_consts", "uid=", "Environment object", "'__name__'")


def encoder_of(folder: Path, template: str, *, in_settings: bool) -> ChatEncoder:
    write_tokenizer(folder, template=None if in_settings else template)
    if in_settings:
        file = folder / "tokenizer_config.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), "chat_template": template}))
    return ChatEncoder(folder)


@pytest.mark.parametrize("in_settings", [False, True], ids=["in its own file", "in the settings"])
@pytest.mark.parametrize("attack", ATTACKS)
def test_a_template_reaches_nothing(attack: str, in_settings: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused, or what it asked for is empty: no command runs, no file is read, no message is another."""
    monkeypatch.chdir(tmp_path)
    template = ATTACKS[attack] + CHAT_TEMPLATE
    try:
        encoder = encoder_of(tmp_path / "model", template, in_settings=in_settings)
        shown = encoder._tokenizer.decode(encoder.encode_prompt(PROMPT), skip_special_tokens=False)
    except ModelError as error:
        assert error.slug == "model-failed"
        shown = error.message
    else:
        assert "rules" in shown and "question" in shown
    assert not [secret for secret in SECRETS if secret in shown], shown[:300]
    assert "obey" not in shown
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    count("attacks by chat template that reached nothing")


@pytest.mark.parametrize(
    "text", ["{{ 7 * 191 }}", "{% raw %}", "{# gone #}", "{% endfor %}", "{{ messages }}", "{% set messages = [] %}"]
)
def test_what_a_document_says_is_never_rendered(text: str, tmp_path: Path) -> None:
    encoder = encoder_of(tmp_path, CHAT_TEMPLATE, in_settings=False)
    shown = encoder._tokenizer.decode(encoder.encode_prompt(Prompt((Message("user", f"a {text} b"),))), skip_special_tokens=False)
    assert f"a {text} b" in shown and "1337" not in shown
    count("attacks by chat template that reached nothing")
