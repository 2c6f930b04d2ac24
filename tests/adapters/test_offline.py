"""The wall holds: for Python, native code, threads and children, and it says so only when it does.

A seal cannot be lifted, so each test seals a process of its own. Each refusal has a control: the same call in a
process without a seal is answered differently.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import socket
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ragcli.adapters import offline, proof
from ragcli.errors import ConfigError, UsageError
from ragcli.types import SealState
from tests.tallying import count

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the seal of this system is not seccomp")

HOSTILE = {
    "ALL_PROXY": "http://192.0.2.1:9",
    "HF_ENDPOINT": "http://192.0.2.1",
    "HF_HUB_OFFLINE": "0",
    "HF_TOKEN": "secret",
    "MLXLM_USE_MODELSCOPE": "true",
    "MLX_LM_TRUST_REMOTE_CODE": "1",
    "TOKENIZERS_PARALLELISM": "true",
    "TRANSFORMERS_OFFLINE": "0",
    "TRUST_REMOTE_CODE": "1",
    "https_proxy": "http://192.0.2.1:9",
}
OUTCOME = """
import ctypes, errno, json, os, socket, subprocess, sys
def outcome(call, *arguments):
    "The error's number, 0 if there was none."
    try:
        call(*arguments)
    except OSError as error:
        return error.errno
    return 0
def system_call(*arguments):
    libc = ctypes.CDLL(None, use_errno=True)
    return ctypes.get_errno() if libc.syscall(*map(ctypes.c_long, arguments)) < 0 else 0
"""
SEAL = "from ragcli.adapters import offline; offline.seal()\n"


def run_python(code: str, *, sealed: bool = True, env: Mapping[str, str] | None = None) -> Any:
    """What a fresh process says on its last line of output, as JSON."""
    program = OUTCOME + (SEAL if sealed else "") + textwrap.dedent(code)
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RAGCLI_")}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**clean, **(env or {})}, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


# ---- which command may use the network --------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "wanted"),
    [
        ("models pull smollm2-135m", True),
        ("--quiet models pull --yes smollm2-135m", True),
        ("models list", False),
        ("models import pull", False),
        ("ask models pull", False),
        ("ask -- models pull", False),
        ("pull models", False),
        ("--json ask what models pull means", False),
        ("models", False),
        ("", False),
    ],
)
def test_only_pulling_a_model_wants_the_network(command: str, wanted: bool) -> None:
    assert offline.wants_network(command.split()) is wanted


@linux
@pytest.mark.parametrize(
    ("arguments", "kind"), [(["ask", "why?"], "seccomp"), (["models", "pull", "x"], "none"), ([], "seccomp")]
)
def test_the_doors_are_closed_before_the_command_line_is_imported(arguments: list[str], kind: str) -> None:
    code = f"""
    class App:
        "Stands where the command line is imported from, and looks around instead."
        def find_spec(self, name, path=None, target=None):
            if name == "ragcli.cli.app":
                foreign = [m for m in sys.modules if m.split(".")[0] in ("typer", "rich", "numpy")]
                print(json.dumps([offline.seal_state().kind, foreign]))
                raise SystemExit
    import ragcli.__main__
    from ragcli.adapters import offline, proof
    sys.meta_path.insert(0, App())
    sys.argv = ["ragcli", *{arguments}]
    ragcli.__main__.main()
    """
    assert run_python(code, sealed=False) == [kind, []]


# ---- switches -------------------------------------------------------------------------------


def test_closing_the_doors_overrules_a_hostile_environment() -> None:
    code = """
    import resource
    from ragcli.adapters import offline, proof
    offline.close_doors()
    from huggingface_hub import constants
    offline_now = [constants.HF_HUB_OFFLINE, constants.HF_HUB_DISABLE_TELEMETRY, constants.HF_HUB_DISABLE_IMPLICIT_TOKEN]
    private = [os.umask(0), resource.getrlimit(resource.RLIMIT_CORE)[0]]
    print(json.dumps([dict(os.environ), offline_now, private, constants.ENDPOINT]))
    """
    environment, offline_now, private, endpoint = run_python(code, sealed=False, env=HOSTILE)
    assert environment.items() >= (offline.NO_NETWORK | offline.NO_TELEMETRY).items()
    assert not {*HOSTILE} & {*environment} - {*offline.NO_NETWORK} - {*offline.NO_TELEMETRY}
    assert offline_now == [True, True, True]
    assert private == [0o077, 0]
    assert "192.0.2.1" not in endpoint


def test_the_environment_of_a_download_keeps_the_users_network_settings_and_no_telemetry() -> None:
    code = """
    from ragcli.adapters import offline, proof
    offline.open_doors_for_download()
    print(json.dumps(dict(os.environ)))
    """
    environment = run_python(code, sealed=False, env=HOSTILE)
    for name in ("ALL_PROXY", "https_proxy", "HF_ENDPOINT", "HF_TOKEN"):
        assert environment[name] == HOSTILE[name]
    assert environment.items() >= offline.NO_TELEMETRY.items()
    assert not {*environment} & {*offline.NO_NETWORK, *offline.FOREIGN_CODE}


@linux
def test_the_variable_for_tests_lifts_the_seal_and_not_the_switches() -> None:
    code = """
    from ragcli.adapters import offline, proof
    state = offline.close_doors()
    print(json.dumps([state.kind, outcome(socket.socket, socket.AF_INET), os.environ["HF_HUB_OFFLINE"]]))
    """
    assert run_python(code, sealed=False, env={"RAGCLI_TEST_UNSEALED": "1"}) == ["none", 0, "1"]
    assert run_python(code, sealed=False, env={"RAGCLI_TEST_UNSEALED": "0"}) == ["seccomp", errno.EACCES, "1"]


@pytest.mark.parametrize(
    "text",
    [
        "s3://bucket/x",
        "gs://b",
        "az://c",
        "db://index",
        "http://192.0.2.1",
        "HTTPS://host/x",
        "hf://org/name",
        "file://host/x",
        "s3:/b",
    ]
    + ["//server/share", "\\\\server\\share", "\\/server/share", "  s3://b", "s3+ddb://b/t"],
)
def test_the_address_of_another_machine_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        offline.refuse_remote(text)
    assert caught.value.slug == "remote-path"


@pytest.mark.parametrize(
    "text", ["/home/ada", "notes", "./a/b", "C:\\Users\\ada", "C:/Users", "a: b/c", "~/x", "", "notes/http://x"]
)
def test_a_local_path_is_not_refused(text: str) -> None:
    offline.refuse_remote(text)


# ---- the seal --------------------------------------------------------------------------------


@linux
@pytest.mark.parametrize("family", proof.FAMILIES)
def test_no_network_socket_can_be_opened(family: str) -> None:
    kind = "SOCK_STREAM" if family == "AF_VSOCK" else "SOCK_DGRAM"
    code = f"print(json.dumps(outcome(socket.socket, socket.{family}, socket.{kind})))"
    assert run_python(code) == errno.EACCES
    assert run_python(code, sealed=False) != errno.EACCES


@linux
def test_the_control_can_open_a_network_socket() -> None:
    code = (
        "print(json.dumps([outcome(socket.socket, socket.AF_INET), outcome(socket.socket, socket.AF_INET, socket.SOCK_DGRAM)]))"
    )
    assert run_python(code, sealed=False) == [0, 0]


@linux
def test_native_calls_that_lead_round_a_socket_filter_are_refused() -> None:
    code = """
    numbers = offline.SYSTEM_CALLS[os.uname().machine]
    calls = [(number, 0, -1, 0, 0, 0) for number in numbers[4]]
    if os.uname().machine == "x86_64":
        calls.append((offline.X32_CALLS | 41, 2, 2, 0))
    print(json.dumps([system_call(*call) for call in calls]))
    """
    sealed = run_python(code)
    assert sealed == [errno.EACCES] * len(sealed)
    assert errno.EACCES not in run_python("from ragcli.adapters import offline\n" + textwrap.dedent(code), sealed=False)


@linux
@pytest.mark.skipif(os.uname().machine != "x86_64", reason="this machine has no 32-bit entry to its kernel")
def test_the_32_bit_entry_to_the_kernel_is_refused() -> None:
    code = """
    import mmap
    # push rbx; eax = 359 (socket), ebx = 2 (AF_INET), ecx = 2 (SOCK_DGRAM), edx = 0; int 0x80; pop rbx; ret
    machine_code = bytes.fromhex("53 b867010000 bb02000000 b902000000 31d2 cd80 5b c3")
    page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(machine_code)
    print(json.dumps(ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))()), flush=True)
    os._exit(0)
    """
    try:
        control = run_python(code, sealed=False)
    except AssertionError:
        pytest.skip("this kernel has no 32-bit calls")
    assert control >= 0
    assert run_python(code) == -errno.EACCES


@linux
def test_a_thread_that_ran_before_the_seal_is_sealed_too() -> None:
    code = """
    import threading
    from ragcli.adapters import offline, proof
    go, seen = threading.Event(), []
    thread = threading.Thread(target=lambda: (go.wait(), seen.append(outcome(socket.socket, socket.AF_INET))))
    thread.start()
    offline.seal()
    go.set()
    thread.join()
    print(json.dumps(seen))
    """
    assert run_python(code, sealed=False) == [errno.EACCES]


@linux
@pytest.mark.parametrize("method", ["spawn", "fork", "forked and exec'd"])
def test_children_inherit_the_seal(method: str) -> None:
    code = f"""
    import multiprocessing
    probe = "import socket\\ntry: socket.socket()\\nexcept OSError as e: raise SystemExit(e.errno)"
    if {method!r} in ("spawn", "fork"):
        child = multiprocessing.get_context({method!r}).Process(target=exec, args=(probe,))
        child.start()
        child.join()
        print(json.dumps(child.exitcode))
    else:
        inner = f"import subprocess, sys; sys.exit(subprocess.run([sys.executable, '-c', {{probe!r}}]).returncode)"
        print(json.dumps(subprocess.run([sys.executable, "-c", inner]).returncode))
    """
    assert run_python(code) == errno.EACCES
    assert run_python(code, sealed=False) == 0


@linux
def test_a_local_socket_can_listen_and_be_spoken_to_but_cannot_call_out(tmp_path: Path) -> None:
    code = f"""
    listening = socket.socket(socket.AF_UNIX)
    listening.bind({str(tmp_path / "engine.sock")!r})
    listening.listen()
    print(outcome(socket.socket(socket.AF_UNIX).connect, {str(tmp_path / "engine.sock")!r}), flush=True)
    caller, _ = listening.accept()
    caller.sendall(caller.recv(9).upper())
    """
    with subprocess.Popen(
        [sys.executable, "-c", OUTCOME + SEAL + textwrap.dedent(code)], stdout=subprocess.PIPE, text=True
    ) as sealed:
        assert sealed.stdout is not None
        assert int(sealed.stdout.readline()) == errno.EACCES
        with socket.socket(socket.AF_UNIX) as outside:
            outside.connect(str(tmp_path / "engine.sock"))
            outside.sendall(b"question")
            assert outside.recv(9) == b"QUESTION"


@linux
@pytest.mark.parametrize(("kind", "answer"), [("STREAM", 0), ("SEQPACKET", 0), ("DGRAM", errno.EACCES), ("RAW", errno.EACCES)])
def test_local_sockets_that_send_without_connecting_are_refused(kind: str, answer: int) -> None:
    code = f"""
    kinds = [socket.SOCK_{kind}, socket.SOCK_{kind} | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK]
    print(json.dumps([outcome(make, socket.AF_UNIX, k) for k in kinds for make in (socket.socket, socket.socketpair)]))
    """
    assert run_python(code) == [answer] * 4
    assert run_python(code, sealed=False) == [0] * 4


@linux
def test_python_works_behind_the_seal() -> None:
    code = """
    import asyncio, tempfile
    async def echo():
        child = await asyncio.create_subprocess_exec("cat", stdin=-1, stdout=-1)
        return (await child.communicate(b"still here"))[0].decode()
    print(json.dumps(asyncio.run(echo())))
    """
    assert run_python(code) == "still here"


@linux
def test_sealing_twice_is_harmless_and_the_state_says_what_the_kernel_says() -> None:
    code = """
    states = [offline.seal(), offline.seal_state()]
    offline.require_seal()
    lines = [line for line in open("/proc/self/status") if line.startswith(("Seccomp:", "NoNewPrivs:"))]
    print(json.dumps([[state.kind for state in states], sorted("".join(lines).split())]))
    """
    assert run_python(code) == [["seccomp", "seccomp"], ["1", "2", "NoNewPrivs:", "Seccomp:"]]


@linux
def test_without_a_seal_an_airgap_cannot_be_required() -> None:
    assert offline.seal_state().kind == "none"
    with pytest.raises(ConfigError) as caught:
        offline.require_seal()
    assert caught.value.slug == "airgap-unavailable"


@linux
@pytest.mark.parametrize(
    ("status", "refusal", "kind"),
    [
        ("NoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t1\n", errno.EACCES, "seccomp"),
        ("NoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t1\n", 0, "none"),  # a container's filter, not ours
        ("NoNewPrivs:\t0\nSeccomp:\t2\n", errno.EACCES, "none"),
        ("NoNewPrivs:\t1\nSeccomp:\t0\n", errno.EACCES, "none"),
        ("", errno.EACCES, "none"),
    ],
)
def test_the_state_is_sealed_only_if_the_kernel_says_and_does_so(status: str, refusal: int, kind: str) -> None:
    assert offline._state_from_status(status, refusal).kind == kind


# ---- the filter, also for the machine that this is not ----------------------------------------


def decide(machine: str, number: int, *arguments: int, architecture: int | None = None) -> str:
    """Runs the filter program as the kernel's BPF machine would."""
    program = offline._filter_program(machine)
    data = {offline.NUMBER: number, offline.ARCHITECTURE: architecture or offline.SYSTEM_CALLS[machine][0]}
    data |= {16 + 8 * place: value for place, value in enumerate([*arguments, 0, 0])}
    accumulator, at = 0, 0
    while True:
        code, if_true, if_false, operand = program[at]
        at += 1
        if code == offline.LOAD:
            accumulator = data[operand]
        elif code == offline.AND:
            accumulator &= operand
        elif code == offline.RETURN:
            return {offline.ALLOW: "allow", offline.DENY: "deny"}[operand]
        else:
            true = accumulator == operand if code == offline.EQUAL else accumulator >= operand
            at += if_true if true else if_false


def test_the_numbers_are_those_of_the_kernels_tables() -> None:
    # socket, socketpair, seccomp, then connect, ptrace, process_vm_writev, pidfd_getfd, io_uring_setup
    tables = {"x86_64": (41, 53, 317, {42, 101, 311, 438, 425}), "aarch64": (198, 199, 277, {203, 117, 271, 438, 425})}
    for machine, (socket_call, pair_call, seccomp_call, refused) in tables.items():
        numbers = offline.SYSTEM_CALLS[machine]
        assert numbers[1:4] == (seccomp_call, socket_call, pair_call)
        assert set(numbers[4]) == refused


@pytest.mark.parametrize("machine", offline.SYSTEM_CALLS)
def test_the_filter_decides_alike_on_both_machines(machine: str) -> None:
    architecture, _, socket_call, pair_call, refused = offline.SYSTEM_CALLS[machine]
    for call in (socket_call, pair_call):
        assert decide(machine, call, socket.AF_UNIX, socket.SOCK_STREAM) == "allow"
        assert decide(machine, call, socket.AF_UNIX, socket.SOCK_STREAM | 0o2000000) == "allow"
        assert decide(machine, call, socket.AF_UNIX, socket.SOCK_DGRAM) == "deny"
        assert {decide(machine, call, family, kind) for family in range(2, 60) for kind in range(1, 11)} == {"deny"}
    assert {decide(machine, call) for call in refused} == {"deny"}
    assert {decide(machine, call) for call in range(600) if call not in (*refused, socket_call, pair_call)} == {"allow"}
    assert decide(machine, 0, architecture=architecture ^ 1) == "deny"
    assert decide("x86_64", offline.X32_CALLS) == "deny"


# ---- macOS, as far as another system can tell -------------------------------------------------


class Sandbox:
    """Stands for libSystem: takes the profiles it is told to take, and remembers what it was given."""

    def __init__(self, *, understands: set[bytes]) -> None:
        self.given: list[bytes] = []

        def sandbox_init(profile: bytes, flags: int, reason: Any) -> int:
            self.given.append(profile)
            reason._obj.value = b"unbound variable"
            return 0 if profile in understands and flags == 0 else -1

        self.sandbox_init = sandbox_init


def test_on_macos_the_first_profile_that_the_system_understands_is_taken() -> None:
    listening, strict = offline.PROFILES
    for understands, given in [({listening, strict}, [listening]), ({strict}, [listening, strict])]:
        sandbox = Sandbox(understands=understands)
        assert offline._seal_macos(sandbox) == ""
        assert sandbox.given == given
    assert "unbound variable" in offline._seal_macos(Sandbox(understands=set()))


def test_every_macos_profile_denies_the_network_and_balances() -> None:
    for profile in offline.PROFILES:
        assert profile.startswith(b"(version 1)(allow default)(deny network*)")
        assert profile.count(b"(") == profile.count(b")")
        assert b"remote" not in profile and b" ip" not in profile


def test_where_there_is_no_seal_the_state_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    assert offline.seal() == offline.seal_state() == SealState("none", "there is no seal for win32")


def test_on_a_linux_machine_that_is_not_known_nothing_is_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offline, "SYSTEM_CALLS", {})
    monkeypatch.setattr(sys, "platform", "linux")
    assert offline.seal().kind == "none"


# ---- the proof -------------------------------------------------------------------------------

PROOF = """
import dataclasses, pathlib
from ragcli.adapters import proof
data = pathlib.Path(os.environ.get("DATA", "/nonexistent"))
held = [open(path, "rb") for path in data.glob("*")]
print(json.dumps([dataclasses.asdict(finding) for finding in proof.prove_offline(data)]))
"""
WAYS = 11
LONGEST_SEAL_MS = 1.0


@linux
def test_the_proof_tells_the_kernels_answer_to_every_way_out() -> None:
    *findings, verdict = run_python(PROOF)
    assert {finding["level"] for finding in findings} == {"ok"}
    assert "Seccomp: 2" in findings[0]["message"] and "NoNewPrivs: 1" in findings[0]["message"]
    assert [finding["message"] for finding in findings[1:]] == [f"refused: {os.strerror(errno.EACCES)}"] * WAYS
    assert len({finding["name"] for finding in findings}) == 1 + WAYS
    assert verdict == {"name": "verdict", "level": "ok", "message": "11 of 11 ways out are refused by the kernel", "hint": ""}
    count("ways to the network refused by the kernel", WAYS)


@linux
def test_the_proof_says_how_long_the_seal_took() -> None:
    """The quickest of a few, so that a busy machine is no failure."""
    told = [re.search(r"put up in ([0-9.]+) ms", run_python(PROOF)[0]["message"]) for _ in range(5)]
    quickest = min(float(each[1]) for each in told if each)
    assert quickest <= LONGEST_SEAL_MS
    print(f"the seal took {quickest} ms")  # noqa: T201


@linux
def test_the_proof_fails_without_a_seal_and_looks_no_name_up() -> None:
    *findings, verdict = run_python(PROOF, sealed=False)
    assert {finding["level"] for finding in findings} == {"error"}
    assert "look up a host name" not in {finding["name"] for finding in findings}
    assert verdict["level"] == "error" and verdict["message"].startswith("not proved: only 0 of 10") and verdict["hint"]


@linux
def test_the_proof_finds_a_single_leak() -> None:
    leak = "import ragcli.adapters.proof as o\no._try_io_uring = lambda: 0\n"
    findings = {finding["name"]: finding for finding in run_python(leak + PROOF)}
    assert findings["set up io_uring"]["level"] == "error"
    assert findings["verdict"]["message"] == "LEAK: only 10 of 11 ways out are refused by the kernel"


@linux
def test_the_proof_names_the_open_files_with_their_digests(tmp_path: Path) -> None:
    (tmp_path / "model.gguf").write_bytes(b"weights")
    findings = run_python(PROOF, env={"DATA": str(tmp_path)})
    told = [finding["message"] for finding in findings if finding["name"] == "open file"]
    assert told == [f"{tmp_path / 'model.gguf'} (SHA-256 {hashlib.sha256(b'weights').hexdigest()[:16]}…)"]


@linux
def test_the_proof_names_the_weights_in_memory() -> None:
    files = {"model.gguf": "ab" * 32, "config.json": "cd" * 32}
    model = f'models = [InstalledModel("tiny", "llm", data, "gguf", 9, "here", {files})]\n'
    asked = PROOF.replace("held", model + "held").replace("(data)]", "(data, models)]")
    findings = run_python("from ragcli.types import InstalledModel\n" + asked)
    told = [finding["message"] for finding in findings if finding["name"] == "model in memory"]
    assert told == ["tiny/model.gguf (SHA-256 abababababababab…)"]


PROGRAM = """
import sys
from ragcli.adapters import offline, proof
{before}
sys.argv = ["ragcli", "doctor", "--offline-proof"]
from ragcli.__main__ import main
main()
"""


@linux
@pytest.mark.parametrize(
    ("before", "env", "status"),
    [
        ("", {}, 0),
        ("", {"RAGCLI_TEST_UNSEALED": "1"}, 3),
        ("offline._filter_program = lambda machine: [(offline.RETURN, 0, 0, offline.ALLOW)]", {}, 3),
        ("proof._try_io_uring = lambda: 0", {}, 4),
    ],
    ids=["proved", "seal lifted", "a filter that allows everything", "a planted leak"],
)
def test_the_command_ends_with_the_verdict(before: str, env: Mapping[str, str], status: int, tmp_path: Path) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RAGCLI_")}
    command = [sys.executable, "-c", PROGRAM.format(before=before)]
    options: dict[str, Any] = {"capture_output": True, "text": True, "check": False, "timeout": 120, "cwd": tmp_path}
    pythonpath = {"PYTHONPATH": str(Path(offline.__file__).parents[2])}
    done = subprocess.run(command, env={**clean, **pythonpath, "RAGCLI_HOME": str(tmp_path), **env}, **options)
    assert done.returncode == status, done.stdout + done.stderr


# ---- airgap = require ------------------------------------------------------------------------

REMOTE = (
    "db://index",
    "s3://bucket/x",
    "gs://b",
    "az://c",
    "hf://org/name",
    "http://192.0.2.1/x",
    "//server/share",
    "\\\\server\\x",
)


@linux
def test_addresses_of_other_machines_are_refused_wherever_a_path_is_taken(tmp_path: Path) -> None:
    """By the whole program, before a library that could open them is loaded: each as a path and as a store, some everywhere."""
    home = str(tmp_path / "home")
    tried = [(["index", address], home) for address in REMOTE] + [(["status"], address) for address in REMOTE[:3] + REMOTE[-2:]]
    tried += [([*command, REMOTE[1]], home) for command in (["eval"], ["models", "import"])]
    for arguments, at in tried:
        assert run_program(arguments, home=at) == ([], 2), (arguments, at)
    count("remote-looking stores, models and paths refused", len(tried))


LOOK = """
import json, sys
sys.argv = ["ragcli", *{arguments!r}]
from ragcli.__main__ import main
status = 0
try:
    main()
except SystemExit as end:
    status = end.code
heavy = {{"lancedb", "pyarrow", "fsspec", "torch", "transformers", "sentence_transformers", "requests"}} & set(sys.modules)
print(json.dumps([sorted(heavy), status]))
"""


def run_program(arguments: list[str], *, home: str) -> tuple[list[str], int]:
    """The libraries that were loaded, and the exit status."""
    heavy, status = run_python(LOOK.format(arguments=arguments), sealed=False, env={"RAGCLI_HOME": home})
    return heavy, status


@linux
@pytest.mark.parametrize(("unsealed", "status"), [("0", 0), ("1", 3)])
def test_a_required_airgap_lets_nothing_begin_unsealed(unsealed: str, status: int, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[privacy]\nairgap = "require"\n')
    env = {"RAGCLI_HOME": str(tmp_path), "RAGCLI_TEST_UNSEALED": unsealed}
    ends = {}
    for command in ("status", "index /tmp/none --dry-run", "ask tea", "models list"):
        ends[command] = run_python(LOOK.format(arguments=command.split()), sealed=False, env=env)[1]
    assert (set(ends.values()) == {3}) is bool(status), ends
