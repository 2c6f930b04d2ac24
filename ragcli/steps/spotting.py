"""Secrets inside ordinary texts: a text → the kinds of keys, tokens and passwords in it, never the secrets themselves.

The published prefixes and lengths of each issuer's tokens are looked for, so that prose, digests and examples are left
alone. Whoever shows what was found shows kinds and paths; nothing of a match leaves this module.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping

KINDS: Mapping[str, str] = {
    "private-key": r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----\s+(?:[\w-]+: [^\n]*\n\s*)*[A-Za-z0-9+/=\s]{60}",
    "age-key": r"AGE-SECRET-KEY-1[0-9A-Z]{58}",
    "aws-key": r"\b(?:AKIA|ASIA)(?!(?:[A-Z2-7]{9}EXAMPLE))[A-Z2-7]{16}\b",
    "azure-key": r"AccountKey=[A-Za-z0-9+/]{86}==",
    "github-token": r"\bgh[pousr]_[A-Za-z0-9]{36,255}\b|\bgithub_pat_[A-Za-z0-9_]{82}\b",
    "gitlab-token": r"\bglpat-[A-Za-z0-9_-]{20,}",
    "slack-token": r"\bxox[abposr]-\d{8,}-[A-Za-z0-9-]{16,}"
    r"|hooks\.slack\.com/services/T[A-Z0-9]{8,}/B[A-Z0-9]{8,}/[A-Za-z0-9]{20,}",
    "stripe-key": r"\b[sr]k_live_[A-Za-z0-9]{24,}",
    "google-key": r"\bAIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])",
    "openai-key": r"\bsk-(?:proj-|svcacct-)?[A-Za-z0-9_-]{20,100}T3BlbkFJ[A-Za-z0-9_-]{20}",
    "anthropic-key": r"\bsk-ant-[a-z0-9]+-[A-Za-z0-9_-]{60,}",
    "huggingface-token": r"\bhf_[A-Za-z]{34}\b",
    "npm-token": r"\bnpm_[A-Za-z0-9]{36}\b",
    "python-index-token": r"\bpypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,}",
    "sendgrid-key": r"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}\b",
    "telegram-token": r"\b\d{8,10}:AA[A-Za-z0-9_-]{33}\b",
    "session-token": r"\beyJ[A-Za-z0-9_-]{16,500}\.eyJ[A-Za-z0-9_-]{16,8000}\.[A-Za-z0-9_-]{20}",
}
"""By kind, how such a secret is spelled. The kinds are stable: scripts see them."""
URL_PASSWORD = "url-password"
ASSIGNED = "assigned-secret"
_ISSUED = re.compile("|".join(f"(?P<{kind.replace('-', '_')}>{pattern})" for kind, pattern in KINDS.items()))
_IN_URL = re.compile(r"\b[a-z][a-z0-9+.-]{1,15}://[^\s/:@\"'<>]{1,64}:([^\s/:@\"'<>]{6,128})@[\w.-]+")
_ASSIGNED = re.compile(
    r"(?i:passw(?:or)?d|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|client[_-]?secret)[\"']?"
    r"\s{0,3}(?::=|=>|[:=])\s{0,3}([\"'])([^\s\"']{16,200})\1"
)
_PLACEHOLDER = re.compile(
    r"[<{$%\[(*]|\.\.\.|(?i:example|changeme|change-me|placeholder|your|dummy|sample|redacted|password|secret|xxxx|1234567|abcdef|test)"
)
LEAST_ENTROPY = 3.5
"""Bits for each character: words and paths have less, what a generator made has more."""


def spot_secrets(text: str) -> tuple[str, ...]:
    """The kinds of secrets that the text seems to hold, each once, in order of their names."""
    found = {(each.lastgroup or "").replace("_", "-") for each in _ISSUED.finditer(text)}
    if "://" in text and any(not _PLACEHOLDER.search(each[1]) for each in _IN_URL.finditer(text)):
        found.add(URL_PASSWORD)
    if any(_is_generated(each[2]) for each in _ASSIGNED.finditer(text)):
        found.add(ASSIGNED)
    return tuple(sorted(found))


def _is_generated(value: str) -> bool:
    """Whether nobody would have thought of it: many different characters, letters and digits, no word of an example."""
    has_both = any(map(str.isdigit, value)) and any(map(str.isalpha, value))
    return has_both and not _PLACEHOLDER.search(value) and "/" not in value[:1] and _entropy(value) >= LEAST_ENTROPY


def _entropy(value: str) -> float:
    shares = [number / len(value) for number in Counter(value).values()]
    return -sum(share * math.log2(share) for share in shares)
