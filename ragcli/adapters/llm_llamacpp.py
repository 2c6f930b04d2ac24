"""A language model run by llama.cpp inside this process. Owns xllamacpp.

The library comes as a web server. It is made to listen on a socket that nobody can reach, and is used by function
calls only. Prompts go in as token ids; it knows nothing of chat templates.
"""

from __future__ import annotations

import ctypes
import importlib.util
import math
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from ragcli.adapters.engine_thread import Emit, EngineThread
from ragcli.adapters.processors import available_cores
from ragcli.errors import ModelError, prompt_too_long
from ragcli.ports import PromptEncoder
from ragcli.types import Delta, ModelIdentity, Prompt, Stop, Usage

# Threads that wait for one another must sleep. Spinning made decoding 15 times slower as soon as anything else ran
# (1.9 against 26 tokens a second), since one that spins holds the core that the other needs. Read when OpenMP loads.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def _lend_openmp() -> None:
    """PyTorch's OpenMP serves where the system has none, as in slim containers."""
    torch = importlib.util.find_spec("torch")
    for folder in (torch.submodule_search_locations if torch else None) or ():
        for library in Path(folder, "lib").glob("libgomp*.so*"):
            ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)


try:
    try:
        import xllamacpp
    except ImportError as error:
        if "libgomp" not in str(error):
            raise
        _lend_openmp()
        import xllamacpp
except (ImportError, OSError) as error:
    message = f"llama.cpp cannot be loaded: {error}"
    raise ModelError("engine-missing", message, hint="pip install xllamacpp; on Linux it needs the libgomp1 package") from error

llama: Any = xllamacpp  # compiled, so no types can be read from it

CONTEXT_STEP = 1024
"""Contexts are multiples of this, so that a prompt a little longer than the last does not load the model anew."""
FIRST_CONTEXT = 2048
"""Enough for a question with its passages; a context of this size costs tens of megabytes."""
BATCH = 64
"""Prompt tokens between two chances to stop. On two cores 64 was as fast as 512 and under a second for 1.5 B weights."""
GPU_BATCH = 512
LIKELIEST = 20
"""Tokens whose probability is told."""
FORCED = 1000.0
"""Added to a token's logit, so that it is the one that is said; what is told of its likelihood is from before."""
LONGEST_SOCKET_PATH = 100
"""Bytes; systems allow 104 to 108."""
SOCKET_NAME_LENGTH = len("/engine-xxxxxxxx/engine.sock")
Chunk = Mapping[str, Any]
"""What the server tells of a completion, piece by piece."""
Told = TypeVar("Told")


class LlamaCppModel:
    """The GGUF model in a folder (or the file itself), loaded when first needed and as large a context as needed.

    Raises ModelError ``model-missing`` where there is no such file, ``model-failed`` when llama.cpp cannot use it.
    """

    def __init__(
        self,
        folder: Path,
        encoder: PromptEncoder,
        identity: ModelIdentity,
        *,
        run_folder: Path,
        threads: int = 0,
        window: int = 4096,
    ) -> None:
        """``threads`` 0 takes the physical cores this process may use."""
        self.identity = identity
        self.window = window
        self._file = find_gguf(folder)
        self._encoder = encoder
        self._run_folder = run_folder
        self._threads = threads or available_cores()
        self._thread: EngineThread = EngineThread("llama.cpp", self._unload)
        self._server: Any = None
        self._context = 0

    def count_tokens(self, text: str) -> int:
        return self._encoder.count_tokens(text)

    def load(self) -> None:
        """The model is being loaded while the caller does something else; ``stream`` waits for it."""
        self._thread.begin(lambda: self._reserve(FIRST_CONTEXT))

    def stream(self, prompt: Prompt, *, max_tokens: int) -> Iterator[Delta | Stop]:
        """Deltas, then exactly one Stop; the likeliest token each time. Closing the iterator stops the work.

        Empty deltas come while the prompt is read.
        Raises ModelError ``model-failed``: the prompt fills the window, or llama.cpp failed.
        """
        request = self._request(prompt, max_tokens)
        if prompt.schema is not None:
            with translated(self.identity.name):
                request["grammar"] = llama.json_schema_to_grammar(dict(prompt.schema))
        return self._thread.stream(lambda emit: self._complete(request, _event, emit))

    def first_tokens(self, prompt: Prompt) -> Mapping[str, float]:
        """The ``LIKELIEST`` tokens for an answer to begin with, and their probabilities. Raises as ``stream`` does."""
        request = self._request(prompt, 1) | {"n_probs": LIKELIEST}

        def weigh(emit: Emit[Mapping[str, float]]) -> None:
            self._complete(request, _first_tokens, emit)

        return next(likely for likely in self._thread.stream(weigh) if likely)

    def likelihoods(self, prompt: Prompt, text: str) -> tuple[float, ...]:
        """The logarithm of each token's likelihood if the text is the answer. Raises as ``stream`` does.

        llama.cpp tells nothing of a token that is only part of a character.
        """
        said = self._encoder.encode_text(text)
        request = self._request(prompt, 1, beside=len(said))

        def weigh(emit: Emit[float | None]) -> None:
            for place, token in enumerate(said):
                if not emit(None):
                    return
                step = {"prompt": [*request["prompt"], *said[:place]], "logit_bias": [[token, FORCED]], "n_probs": 1}
                self._complete(request | step, _logarithm, emit)

        return tuple(likelihood for likelihood in self._thread.stream(weigh) if likelihood is not None)

    def _request(self, prompt: Prompt, max_tokens: int, *, beside: int = 0) -> dict[str, Any]:
        ids = self._encoder.encode_prompt(prompt)
        if len(ids) + beside >= self.window:
            raise prompt_too_long(len(ids) + beside, self.window)
        return {
            "prompt": ids,
            "max_tokens": max(1, min(max_tokens, self.window - len(ids))),
            "temperature": 0.0,
            "stream": True,
            "return_progress": True,
            # What a prompt shares with the one before is not read again. It may change the last bits and so, rarely, a word.
            "cache_prompt": True,
        }

    def close(self) -> None:
        """The model's memory is free. Idempotent."""
        self._thread.close()

    # ---- in the engine's thread --------------------------------------------------------------

    def _complete(self, request: Mapping[str, Any], read: Callable[[Chunk], Told], emit: Emit[Told]) -> None:
        self._reserve(len(request["prompt"]) + request["max_tokens"])
        failures: list[str] = []

        def receive(chunk: Chunk) -> bool:
            """True ends the generation."""
            if "error" in chunk:
                failures.append(str(chunk["error"].get("message")))
                return True
            return not emit(read(chunk))

        with translated(self.identity.name):
            self._server.handle_completions(request, receive)
        if failures:
            raise _failed(self.identity.name, failures[0])

    def _reserve(self, tokens: int) -> None:
        """The model is loaded with room for ``tokens``."""
        context = max(FIRST_CONTEXT, math.ceil(tokens / CONTEXT_STEP) * CONTEXT_STEP)
        if self._server is not None and context <= self._context:
            return
        self._unload()
        with translated(self.identity.name), socket_folder(self._run_folder) as folder:
            # The folder goes as soon as the engine listens: then no name leads to its socket, not even for ourselves.
            self._server = llama.Server(self._parameters(context, folder / "engine.sock"))
        self._context = context

    def _parameters(self, context: int, socket: Path) -> Any:
        parameters = llama.CommonParams()
        parameters.model.path = str(self._file)
        parameters.n_ctx = context
        parameters.hostnames = [str(socket)]
        parameters.n_threads_http = 1
        parameters.ui = False
        parameters.endpoint_slots = False
        parameters.verbosity = -1
        parameters.warmup = False
        parameters.cache_ram_mib = 0  # old prompts would take up to 8 GB
        gpu = has_gpu()
        parameters.fit_params = gpu  # without a GPU there is nothing to fit, and it doubles the time to load
        parameters.n_batch = parameters.n_ubatch = GPU_BATCH if gpu else BATCH
        if self._threads:
            parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = self._threads
        return parameters

    def _unload(self) -> None:
        self._server = None
        self._context = 0


def _event(chunk: Chunk) -> Delta | Stop:
    choice = chunk["choices"][0]
    if choice["finish_reason"] is None:
        return Delta(choice["text"])
    usage = Usage(chunk["usage"]["prompt_tokens"], chunk["usage"]["completion_tokens"])
    return Stop("length" if choice["finish_reason"] == "length" else "stop", usage)


def _first_tokens(chunk: Chunk) -> Mapping[str, float]:
    """Probabilities of the first token; empty where the chunk tells something else."""
    entries = ((chunk["choices"][0].get("logprobs") or {}).get("content") or [{}])[0].get("top_logprobs", ())
    likely: dict[str, float] = {}
    for entry in entries:
        likely[entry["token"]] = likely.get(entry["token"], 0.0) + math.exp(entry["logprob"])
    return likely


def _logarithm(chunk: Chunk) -> float | None:
    """How likely the one token was that was said; None where the chunk tells something else."""
    entries = (chunk["choices"][0].get("logprobs") or {}).get("content")
    return float(entries[0]["logprob"]) if entries else None


@contextmanager
def translated(name: str) -> Iterator[None]:
    """Errors of xllamacpp become ModelError ``model-failed``."""
    try:
        yield
    except Exception as error:
        raise _failed(name, str(error)) from error


def _failed(name: str, reason: str) -> ModelError:
    return ModelError(
        "model-failed", f"llama.cpp failed with {name}: {reason}", hint=f"install it again: ragcli models pull {name}"
    )


def find_gguf(folder: Path) -> Path:
    """The one GGUF file in the folder, or the file itself. Raises ModelError ``model-missing``."""
    files = [folder] if folder.is_file() else sorted(folder.glob("*.gguf"))
    if len(files) != 1:
        message = f"{folder} holds {len(files) or 'no'} GGUF files"
        raise ModelError("model-missing", message, hint=f"ragcli models pull {folder.name}")
    return files[0]


@contextmanager
def socket_folder(run_folder: Path) -> Iterator[Path]:
    """A new folder that only this user can enter, short enough for a socket's address; gone at the end."""
    run_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    short = len(os.fsencode(run_folder)) + SOCKET_NAME_LENGTH <= LONGEST_SOCKET_PATH
    with tempfile.TemporaryDirectory(prefix="engine-", dir=run_folder if short else None) as folder:
        yield Path(folder)


def has_gpu() -> bool:
    """Whether this build of llama.cpp sees a device other than the processor."""
    return any("GPU" in device["type"].name for device in llama.get_device_info())
