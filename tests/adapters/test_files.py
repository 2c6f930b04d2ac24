"""The walker on real trees: what the rules leave out, what is refused, and what can never block or lead astray."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragcli.adapters import files, ignore_rules
from ragcli.adapters.files import RignoreWalker
from ragcli.types import Root, Walked

Plant = Callable[..., Path]


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    """Plants files (relative name → text) below a fresh folder and returns it."""

    def plant_tree(tree: dict[str, str]) -> Path:
        folder = tmp_path / "tree"
        folder.mkdir(exist_ok=True)
        for name, text in tree.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        return folder

    return plant_tree


def walk(*roots: Path, walker: RignoreWalker | None = None, **more: tuple[str, ...]) -> Walked:
    return (walker or RignoreWalker()).walk([Root(root, "main", **more) for root in roots])


def found(walked: Walked, folder: Path) -> list[str]:
    return [str(stamp.path.relative_to(folder)) for stamp in walked.stamps]


def refused(walked: Walked) -> dict[str, str]:
    return {each.path.name: each.reason for each in walked.refused}


# ---- rules ------------------------------------------------------------------------------------


def test_gitignore_holds_outside_of_a_repository_too(plant: Plant) -> None:
    folder = plant({".gitignore": "*.log\n!keep.log\n/build/\n", "a.txt": "", "x.log": "", "keep.log": "", "build/out.txt": ""})
    walked = walk(folder)
    assert found(walked, folder) == ["a.txt", "keep.log"]
    assert walked.left_out == {"ignored": 2, "hidden": 1}


def test_dot_ignore_and_ragignore_hold_too(plant: Plant) -> None:
    folder = plant({".ignore": "one.txt\n", ".ragignore": "two.txt\n", "one.txt": "", "two.txt": "", "three.txt": ""})
    assert found(walk(folder), folder) == ["three.txt"]


def test_a_ragignore_rules_its_own_folder_and_below(plant: Plant) -> None:
    tree = {
        "sub/.ragignore": "*.tmp\n/only.md\n",
        "a.tmp": "",
        "sub/a.tmp": "",
        "sub/only.md": "",
        "sub/deep/only.md": "",
        "sub/deep/b.tmp": "",
    }
    folder = plant(tree)
    assert found(walk(folder), folder) == ["a.tmp", "sub/deep/only.md"]


def test_a_ragignore_can_take_back_what_gitignore_hides(plant: Plant) -> None:
    folder = plant({".gitignore": "*.log\n", ".ragignore": "!wanted.log\n", "wanted.log": "", "other.log": ""})
    assert found(walk(folder), folder) == ["wanted.log"]


def test_hidden_files_are_left_out_unless_asked_for(plant: Plant) -> None:
    folder = plant({".hidden/a.txt": "", ".note.md": "", "~$open.docx": "", "b.txt": ""})
    assert found(walk(folder), folder) == ["b.txt"]
    assert walk(folder).left_out == {"hidden": 3}
    assert ".hidden/a.txt" in found(walk(folder, walker=RignoreWalker(index_hidden=True)), folder)


def test_version_control_is_never_walked(plant: Plant) -> None:
    folder = plant({".git/config": "", ".hg/x": "", "CVS/Root": "", "a.txt": ""})
    walked = walk(folder, walker=RignoreWalker(index_hidden=True))
    assert found(walked, folder) == ["a.txt"]
    assert walked.left_out == {"vcs": 3}


SECRETS = """
.env .env.local prod.env id_rsa id_ed25519 id_ecdsa_work server.pem tls.key store.p12 cert.pfx vault.kdbx a.jks .netrc _netrc
.pgpass .npmrc .pypirc .git-credentials .htpasswd credentials credentials.json aws_credentials.csv client_secret_1.json
service-account.json my-service_account-1.json secrets.yaml secret.toml wallet.dat login.keychain-db 1password-export.csv
putty.ppk bitwarden_export_2024.json lastpass.csv passwords.csv my_passwords.txt private_key.txt backup.gpg x.age host.keytab
"""
HARMLESS = """
id_rsa.pub .env.example keys.md environment.md passwords-policy.md credentials-howto.md envelope.txt monkey.txt keyboard.py
"""


@pytest.mark.parametrize("name", SECRETS.split())
def test_names_that_suggest_a_secret_are_left_out(name: str, plant: Plant) -> None:
    folder = plant({name: "", "a.txt": ""})
    walked = walk(folder, walker=RignoreWalker(index_hidden=True))
    assert found(walked, folder) == ["a.txt"]
    assert walked.left_out == {"secret": 1}


@pytest.mark.parametrize("name", HARMLESS.split())
def test_names_that_only_sound_like_secrets_are_taken(name: str, plant: Plant) -> None:
    folder = plant({name: ""})
    assert found(walk(folder, walker=RignoreWalker(index_hidden=True)), folder) == [name]


@pytest.mark.parametrize("name", [".ssh", ".aws", ".gnupg", ".password-store"])
def test_folders_for_secrets_are_refused_even_as_roots(name: str, plant: Plant) -> None:
    folder = plant({f"{name}/config": "", "a.txt": ""})
    assert found(walk(folder, walker=RignoreWalker(index_hidden=True)), folder) == ["a.txt"]
    assert refused(walk(folder / name)) == {name: "secret_name"}
    assert refused(walk(folder / name / "config")) == {"config": "secret_name"}


def test_a_secret_file_is_refused_even_as_a_root(plant: Plant) -> None:
    folder = plant({".env": "TOKEN=1"})
    walked = walk(folder / ".env")
    assert walked.stamps == ()
    assert refused(walked) == {".env": "secret_name"}


def test_a_root_is_taken_although_hidden_or_ignored(plant: Plant) -> None:
    folder = plant({".gitignore": "build/\n", "build/a.txt": "", ".notes/b.txt": "", ".c.txt": ""})
    walked = walk(folder / "build", folder / ".notes", folder / ".c.txt")
    assert sorted(found(walked, folder)) == [".c.txt", ".notes/b.txt", "build/a.txt"]


def test_exclude_patterns_of_settings_and_root_are_counted(plant: Plant) -> None:
    folder = plant({"a.txt": "", "a.bak": "", "drafts/b.txt": "", "sub/drafts/c.txt": "", "d.txt": ""})
    walked = walk(folder, walker=RignoreWalker(exclude=["*.bak"]), exclude=("drafts/", "/d.txt"))
    assert found(walked, folder) == ["a.txt"]
    assert walked.left_out == {"excluded": 4}


def test_include_patterns_take_only_what_they_name(plant: Plant) -> None:
    folder = plant({"a.md": "", "b.txt": "", "sub/c.md": "", "sub/d.txt": "", "e.log": ""})
    assert found(walk(folder, include=("*.md", "sub/*.txt")), folder) == ["a.md", "sub/c.md", "sub/d.txt"]


# ---- what is not a plain file -----------------------------------------------------------------


def test_nothing_but_regular_files_is_taken_and_nothing_blocks(plant: Plant) -> None:
    folder = plant({"a.txt": ""})
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket"))
        walked = walk(folder)
    assert found(walked, folder) == ["a.txt"]
    assert refused(walked) == {"pipe": "not_regular", "socket": "not_regular"}


def test_links_that_lead_out_are_refused_and_links_inside_add_nothing(plant: Plant, tmp_path: Path) -> None:
    folder = plant({"a.txt": "", "sub/b.txt": ""})
    (tmp_path / "outside.txt").write_text("private", encoding="utf-8")
    for name, target in {
        "in": "a.txt",
        "in_folder": "sub",
        "out": tmp_path / "outside.txt",
        "root": "/",
        "up": "..",
        "dead": "x",
    }.items():
        (folder / name).symlink_to(target)
    (folder / "loop").symlink_to("loop")
    walked = walk(folder)
    assert found(walked, folder) == ["a.txt", "sub/b.txt"]
    assert refused(walked) == {"out": "symlink_out", "root": "symlink_out", "up": "symlink_out"}


def test_a_folder_whose_name_begins_like_the_root_is_outside(plant: Plant, tmp_path: Path) -> None:
    folder = plant({"a.txt": ""})
    (tmp_path / "tree-two").mkdir()
    (folder / "near").symlink_to(tmp_path / "tree-two")
    assert refused(walk(folder)) == {"near": "symlink_out"}


def test_a_root_that_is_a_link_is_followed(plant: Plant, tmp_path: Path) -> None:
    folder = plant({"a.txt": "", "b.txt": ""})
    (tmp_path / "link").symlink_to(folder)
    (tmp_path / "file").symlink_to(folder / "a.txt")
    assert found(walk(tmp_path / "link"), tmp_path) == ["link/a.txt", "link/b.txt"]
    assert found(walk(tmp_path / "file"), tmp_path) == ["tree/a.txt"]
    assert len(walk(folder, tmp_path / "link").stamps) == 2


def test_hard_links_are_two_files(plant: Plant) -> None:
    folder = plant({"a.txt": ""})
    (folder / "b.txt").hardlink_to(folder / "a.txt")
    assert found(walk(folder), folder) == ["a.txt", "b.txt"]


def test_large_files_are_refused_by_size_alone(plant: Plant) -> None:
    folder = plant({"small.txt": "x"})
    with (folder / "sparse.txt").open("wb") as file:
        file.truncate(1 << 40)
    walked = walk(folder)
    assert found(walked, folder) == ["small.txt"]
    assert [(each.reason, each.detail) for each in walked.refused] == [("too_large", "1,099,512 MB")]


def test_cloud_placeholders_are_refused(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = plant({"a.txt": "x"})
    monkeypatch.setattr(files, "getattr", lambda _status, _name, _default: files.DATALESS, raising=False)
    assert refused(walk(folder / "a.txt")) == {"a.txt": "dataless"}


def test_names_that_are_not_utf8_survive(plant: Plant) -> None:
    folder = plant({"a.txt": "", ".gitignore": "*.log\n"})
    odd = os.fsdecode(b"caf\xe9")
    (folder / f"{odd}.txt").write_text("", encoding="utf-8")
    (folder / odd).mkdir()
    (folder / odd / "inside.txt").write_text("", encoding="utf-8")
    walked = walk(folder)
    assert sorted(os.fsencode(name) for name in found(walked, folder)) == [b"a.txt", b"caf\xe9.txt", b"caf\xe9/inside.txt"]


def test_strange_names_are_only_names(plant: Plant) -> None:
    names = ["-rf", "a'b.txt", "line\nbreak.txt", "esc\x1b[31m.txt", "‮rtl.txt", "[x].md", "*.txt", "x" * 255]
    folder = plant(dict.fromkeys(names, ""))
    assert sorted(found(walk(folder), folder)) == sorted(names)


def test_a_folder_that_may_not_be_listed_is_named(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = plant({"shut/a.txt": "", "b.txt": ""})
    listing = os.scandir

    def refuse(path: str) -> object:
        if path.endswith("shut/"):
            raise PermissionError(13, "denied", path)
        return listing(path)

    monkeypatch.setattr(os, "scandir", refuse)
    walked = walk(folder)
    assert found(walked, folder) == ["b.txt"]
    assert refused(walked) == {"shut": "permission"}


LOOK = """
import os, sys
from pathlib import Path
from ragcli.adapters.files import RignoreWalker
from ragcli.types import Root
if len(sys.argv) > 2:
    os.setgroups([])
    os.setresgid(*[int(sys.argv[2])] * 3)
    os.setresuid(*[int(sys.argv[2])] * 3)
walked = RignoreWalker().walk([Root(Path(sys.argv[1]), "main")])
refused = {each.path.name: each.reason for each in walked.refused}
print([stamp.path.name for stamp in walked.stamps], refused, dict(walked.left_out))
"""
OTHER_USER = 65534


def look(*arguments: str, through: Sequence[str] = ()) -> str:
    """What another process sees of a folder, as another user if one is named."""
    command = [*through, sys.executable, "-c", LOOK, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_files_that_this_user_may_not_read_are_named_and_taken_once_they_may_be() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        for file, mode in (("open.txt", 0o644), ("others.txt", 0o600), ("shut.txt", 0o000)):
            (folder / file).write_text("words", encoding="utf-8")
            (folder / file).chmod(mode)
        os.chown(folder / "shut.txt", OTHER_USER, OTHER_USER)
        seen = look(name, str(OTHER_USER))
        assert seen == "['open.txt'] {'others.txt': 'permission', 'shut.txt': 'permission'} {}\n"
        (folder / "shut.txt").chmod(0o400)
        assert look(name, str(OTHER_USER)) == "['open.txt', 'shut.txt'] {'others.txt': 'permission'} {}\n"


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("unshare") is None, reason="only root can mount")
def test_mounts_are_not_crossed_and_loops_of_mounts_end(plant: Plant) -> None:
    folder = plant({"a.txt": "", "loop/x": "", "other/hidden-below.txt": ""})
    disk = f'mount -t tmpfs none "{folder}/other" && echo private > "{folder}/other/b.txt"'
    loop = f'mount --bind "{folder}" "{folder}/loop"'
    try:
        seen = look(str(folder), through=["unshare", "--mount", "sh", "-c", f'{disk} && {loop} && exec "$@"', "sh"])
    except subprocess.CalledProcessError:
        pytest.skip("this machine lets nobody mount")
    assert seen == "['a.txt'] {} {'mounted': 2}\n"


def test_a_root_that_vanishes_is_missing_and_ends_nothing(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = plant({"a.txt": ""})
    assert walk(folder / "gone", folder / "a.txt" / "below", folder).missing_roots == (
        folder / "gone",
        folder / "a.txt" / "below",
    )
    assert found(walk(folder / "gone", folder), folder) == ["a.txt"]

    def refuse(_: Path) -> os.stat_result:
        raise PermissionError(13, "denied")

    monkeypatch.setattr(Path, "stat", refuse)
    assert refused(walk(folder)) == {"tree": "permission"}


def test_folders_deeper_than_any_path_can_name_are_survived(plant: Plant) -> None:
    folder = plant({"a.txt": ""})
    here = os.open(folder, os.O_RDONLY)
    for _ in range(45):
        os.mkdir("d" * 100, dir_fd=here)
        inner = os.open("d" * 100, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)
    assert found(walk(folder), folder) == ["a.txt"]


# ---- patterns ---------------------------------------------------------------------------------

PATTERNS = [
    "*.log",
    "/a.log",
    "sub/",
    "sub/*.txt",
    "**/deep",
    "sub/**",
    "a?.txt",
    "[ab].log",
    "!b.log",
    "x/**/z",
    "# no",
    "\\#a",
    "*/y.md",
]
PATHS = [
    "a.log",
    "b.log",
    "c.txt",
    "ab.txt",
    "#a",
    "sub/a.log",
    "sub/c.txt",
    "sub/deep/d.md",
    "x/z",
    "x/y/z",
    "x/y.md",
    "x/y/w/z",
]


@pytest.mark.skipif(shutil.which("git") is None, reason="git says what is right, and is not here")
@given(st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=4))
def test_ragignore_means_what_gitignore_means(tmp_path_factory: pytest.TempPathFactory, patterns: list[str]) -> None:
    folder = tmp_path_factory.mktemp("repository")
    for name in PATHS:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    (folder / ".ragignore").write_text("\n".join(patterns), encoding="utf-8")
    mine = set(found(walk(folder), folder))
    shutil.move(folder / ".ragignore", folder / ".gitignore")
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True, env=environment)
    asked = ["git", "ls-files", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(asked, cwd=folder, check=True, env=environment, capture_output=True).stdout.decode().split("\0")
    assert mine == {name for name in listed if name and name != ".gitignore"}


@given(st.text(alphabet="ab*?/[]!\\#. -{}()+^$|", max_size=12))
def test_any_line_is_a_legal_pattern(line: str) -> None:
    parsed = ignore_rules.parse_pattern(line)
    assert parsed is None or isinstance(parsed[0], re.Pattern)
