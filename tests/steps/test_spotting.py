"""Keys and tokens are told from what only looks like them."""

from __future__ import annotations

import hashlib
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcli.steps.spotting import ASSIGNED, KINDS, URL_PASSWORD, spot_secrets
from tests.tallying import count

LETTERS = string.ascii_letters + string.digits


def made(length: int, seed: str = "a", alphabet: str = LETTERS) -> str:
    """Characters as a generator would choose them, the same in every run: no real secret stands in this repository."""
    digest = hashlib.shake_256(seed.encode()).digest(length)
    return "".join(alphabet[byte % len(alphabet)] for byte in digest)


UPPER = string.ascii_uppercase
BASE32 = UPPER + "234567"
BASE64 = LETTERS + "+/"
SPELLED = {
    "private-key": [
        f"-----BEGIN {kind}PRIVATE KEY-----\n{made(64, kind, BASE64)}\n{made(64, 'b', BASE64)}\n-----END {kind}PRIVATE KEY-----"
        for kind in ("", "RSA ", "EC ", "DSA ", "OPENSSH ", "ENCRYPTED ")
    ]
    + [
        f"-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: GnuPG v2\n\n{made(64, 'p', BASE64)}\n{made(64, 'q', BASE64)}",
        f"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0A\n\n{made(64, 'e', BASE64)}\n",
    ],
    "age-key": ["AGE-SECRET-KEY-1" + made(58, "age", UPPER + string.digits)],
    "aws-key": ["AKIA" + made(16, "aws", BASE32), f'aws_access_key_id = "ASIA{made(16, "sts", BASE32)}"'],
    "azure-key": [f"AccountName=x;AccountKey={made(86, 'az', BASE64)}==;"],
    "github-token": [f"gh{letter}_{made(36, letter)}" for letter in "pousr"] + ["github_pat_" + made(82, "fine")],
    "gitlab-token": ["glpat-" + made(20, "gl"), f"https://oauth2:glpat-{made(26, 'g')}@gitlab.internal/x.git"],
    "slack-token": [
        f"xoxb-123456789012-{made(24, 's')}",
        f"https://hooks.slack.com/services/T{made(9, 't', UPPER)}/B{made(9, 'b', UPPER)}/{made(24, 'w')}",
    ],
    "stripe-key": ["sk_live_" + made(24, "st"), "rk_live_" + made(30, "rk")],
    "google-key": ["AIza" + made(35, "goog")],
    "openai-key": [f"sk-{made(20, 'o')}T3BlbkFJ{made(20, 'p')}", f"sk-proj-{made(40, 'o')}T3BlbkFJ{made(40, 'p')}"],
    "anthropic-key": ["sk-ant-api03-" + made(90, "ant")],
    "huggingface-token": ["hf_" + made(34, "hf", string.ascii_letters)],
    "npm-token": ["npm_" + made(36, "npm"), f"//registry.internal/:_authToken=npm_{made(36, 'n')}"],
    "python-index-token": ["pypi-AgEIcHlwaS5vcmc" + made(80, "py")],
    "sendgrid-key": [f"SG.{made(22, 'sg')}.{made(43, 'sg2')}"],
    "telegram-token": ["123456789:AA" + made(33, "tele")],
    "session-token": [f"eyJ{made(20, 'h')}.eyJ{made(40, 'p')}.{made(43, 's')}"],
    URL_PASSWORD: ["postgres://app:Tr0ub4dor-3x@db.internal:5432/app", "https://ann:s3cr7t!Key@files.host.net/x"],
    ASSIGNED: [
        f'API_KEY = "{made(32, "k")}"',
        f"password: '{made(20, 'pw')}'",
        f'"client_secret": "{made(40, "cs")}"',
        f'token := "{made(24, "t")}"',
    ],
}
HARMLESS = [
    "The private key is kept in the safe. -----BEGIN PRIVATE KEY----- is how it starts.",
    "-----BEGIN PUBLIC KEY-----\n" + made(128, "pub", BASE64),
    "-----BEGIN CERTIFICATE-----\n" + made(128, "cert", BASE64),
    "AKIAIOSFODNN7EXAMPLE",
    "commit " + hashlib.sha1(b"x").hexdigest(),
    "sha256:" + hashlib.sha256(b"x").hexdigest(),
    "123e4567-e89b-12d3-a456-426614174000",
    'password = "correct horse battery staple"',
    'password = "changeme"',
    "password: ${DB_PASSWORD}",
    'api_key = os.environ["API_KEY"]',
    'api_key = "your-api-key-goes-here-0123"',
    'secret = "<paste the secret here>"',
    'token = "xxxxxxxxxxxxxxxxxxxxxxxxxxxx"',
    'token = "/usr/local/share/tokens/v1.2"',
    "postgres://user:password@localhost/db",
    "https://user:${TOKEN}@host/x",
    "http://host:8080/a@b",
    "mailto:ann@example.org",
    "The token bucket refills at 10 tokens a second; the secret is patience.",
    "ghp_short",
    "sk_test_" + made(24, "test"),
    "xoxb-",
    "AIza is how such keys begin",
    "eyJhbGciOiJIUzI1NiJ9 is a header",
    "Passwords: at least 16 characters, see the handbook.",
    "time 12:30:45, key A1, see SG.3 and npm_config_cache",
    "data:image/png;base64," + made(400, "png", BASE64),
]


@pytest.mark.parametrize("kind", SPELLED)
def test_every_spelling_of_a_secret_is_seen_in_the_midst_of_a_text(kind: str) -> None:
    for secret in SPELLED[kind]:
        for text in (secret, f"Deploy notes\n\n{secret}\nthen restart.", f"key: {secret}, and more"):
            assert kind in spot_secrets(text), text
    count("secrets in ordinary texts flagged", len(SPELLED[kind]))


def test_every_kind_is_tried() -> None:
    assert set(SPELLED) == {*KINDS, URL_PASSWORD, ASSIGNED}
    assert sum(map(len, SPELLED.values())) >= 40


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_like_a_secret_is_left_alone(text: str) -> None:
    assert spot_secrets(text) == ()
    count("texts without secrets left alone")


@given(st.text(st.characters(codec="utf-8"), max_size=300))
def test_whatever_the_text_kinds_are_named_in_order_and_once(text: str) -> None:
    found = spot_secrets(text)
    assert list(found) == sorted(set(found))
    assert set(found) <= {*KINDS, URL_PASSWORD, ASSIGNED}


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN PRIVATE KEY-----\n" + "a: " * 200_000,
        "-----BEGIN PRIVATE KEY-----\n" + "a: b\n" * 100_000,
        "sk-" * 200_000,
        "eyJ" * 200_000,
        "eyJ-" * 200_000,
        "a://" * 200_000,
        "password = " * 100_000,
        "xoxb-1" * 100_000,
    ],
    ids=lambda text: text[:20].strip(),
)
def test_no_text_keeps_it_busy_for_long(text: str) -> None:
    assert spot_secrets(text) == ()


def test_a_kind_says_nothing_of_the_secret() -> None:
    secret = SPELLED["github-token"][0]
    assert all(secret not in kind for kind in spot_secrets(f"{secret} {secret}"))
