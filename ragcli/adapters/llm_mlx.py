"""A language model run by mlx-lm: on Apple Silicon and NVIDIA as it is, on other processors as full 32-bit weights.

Owns mlx and mlx_lm, and imports them only when a model is loaded. Prompts go in as token ids of the same encoder that
the other engine uses; it knows nothing of chat templates and never passes a name that could be downloaded.
"""

from __future__ import annotations

import ctypes
import importlib.metadata
import importlib.util
import platform
import sys
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ragcli.adapters.engine_thread import Emit, EngineThread
from ragcli.adapters.mlx_choosing import Choose, Dictation, Mask
from ragcli.adapters.text_stream import TextStream
from ragcli.errors import ModelError, prompt_too_long
from ragcli.ports import Constrain, Constraint, PromptEncoder
from ragcli.types import Delta, ModelIdentity, Prompt, Stop, Usage

PREFILL_STEP = 512
"""Prompt tokens between two chances to stop; memory peaks while a prompt is read, and falls with the step."""
CPU_PREFILL_STEP = 64
CACHE_BYTES = 256 * 2**20
"""Freed buffers that MLX may keep. Its own limit made small machines swap without end."""
OPENBLAS = "libopenblas.so.0"
NO_OPENBLAS = f"{OPENBLAS} is not installed: reading a prompt will be some 30 times slower (Debian, Ubuntu: libopenblas0)"
LIKELIEST = 20
"""Tokens whose probability is told."""


def is_installed() -> bool:
    """Whether MLX, one of its backends and mlx-lm are installed. Imports nothing."""
    mlx = importlib.util.find_spec("mlx")
    folders = (mlx.submodule_search_locations if mlx else None) or ()
    backend = any(path.suffix in {".so", ".dylib"} for folder in folders for path in Path(folder, "lib").glob("libmlx.*"))
    return backend and importlib.util.find_spec("mlx_lm") is not None


def has_accelerator() -> bool:
    """Whether MLX would run on a GPU here: Apple Silicon, or NVIDIA with a CUDA build of MLX. Imports nothing."""
    if not is_installed():
        return False
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    return Path("/dev/nvidiactl").exists() and any(_installed(f"mlx-cuda-{version}") for version in (12, 13))


def _installed(distribution: str) -> bool:
    try:
        importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


class MlxModel:
    """The MLX model in a folder, loaded when first needed.

    Raises ModelError: ``model-missing`` where the folder holds no model, ``engine-missing`` when MLX or its backend
    is not installed, ``model-failed`` when mlx-lm cannot use the folder.
    """

    notice: str = ""
    """What makes the engine slow here, in one line; known once the model is loaded."""

    def __init__(
        self,
        folder: Path,
        encoder: PromptEncoder,
        identity: ModelIdentity,
        *,
        window: int = 4096,
        constrain: Constrain | None = None,
    ) -> None:
        """Without ``constrain`` a prompt with a schema is refused."""
        if not (folder / "config.json").is_file() or not any(folder.glob("model*.safetensors")):
            raise ModelError("model-missing", f"{folder} holds no MLX model", hint=f"ragcli models pull {identity.name}")
        self.identity = identity
        self.window = window
        self._folder = folder
        self._encoder = encoder
        self._constrain = constrain
        self._thread = EngineThread("mlx", self._unload)
        self._loaded: _Loaded | None = None

    def count_tokens(self, text: str) -> int:
        return self._encoder.count_tokens(text)

    def load(self) -> None:
        """The model is being loaded while the caller does something else; ``stream`` waits for it."""
        self._thread.begin(lambda: None if self._model() else None)

    def stream(self, prompt: Prompt, *, max_tokens: int) -> Iterator[Delta | Stop]:
        """Deltas, then exactly one Stop; the likeliest token each time. Closing the iterator stops the work.

        Empty deltas come while the prompt is read. Raises ModelError ``model-failed``: the prompt fills the window,
        or mlx-lm failed.
        """
        ids = self._fitting(prompt)
        room = max(1, min(max_tokens, self.window - len(ids)))
        return self._thread.stream(lambda emit: self._generate(ids, room, emit, prompt.schema))

    def first_tokens(self, prompt: Prompt) -> Mapping[str, float]:
        """The ``LIKELIEST`` tokens for an answer to begin with, and their probabilities. Raises as ``stream`` does."""
        ids = self._fitting(prompt)

        def weigh(emit: Emit[Delta | Mapping[str, float]]) -> None:
            self._weigh(ids, emit)

        return next(likely for likely in self._thread.stream(weigh) if not isinstance(likely, Delta))

    def likelihoods(self, prompt: Prompt, text: str) -> tuple[float, ...]:
        """The logarithm of each token's likelihood if the text is the answer. Raises as ``stream`` does."""
        said = self._encoder.encode_text(text)
        ids = self._fitting(prompt, beside=len(said))
        if not said:
            return ()

        def weigh(emit: Emit[Delta | tuple[float, ...]]) -> None:
            emit(self._dictate(ids, said, emit))

        return next(told for told in self._thread.stream(weigh) if not isinstance(told, Delta))

    def _fitting(self, prompt: Prompt, *, beside: int = 0) -> list[int]:
        ids = self._encoder.encode_prompt(prompt)
        if len(ids) + beside >= self.window:
            raise prompt_too_long(len(ids) + beside, self.window)
        return ids

    def close(self) -> None:
        """The model's memory is free. Idempotent."""
        self._thread.close()

    # ---- in the engine's thread --------------------------------------------------------------

    def _generate(self, ids: Sequence[int], max_tokens: int, emit: Emit[Delta | Stop], schema: Mapping[str, Any] | None) -> None:
        text, reason, count = TextStream(self._encoder.decode), "length", 0
        choose = Mask(partial(self._begin_constraint, schema)) if schema is not None else None
        with translated(self.identity.name), closing(self._model().tokens(ids, max_tokens, emit, choose)) as tokens:
            for token, _ in tokens:
                count += 1
                if token in self._encoder.stop_ids:
                    reason = "stop"
                    break
                if not emit(Delta(text.add(token))):
                    return
        emit(Delta(text.rest()))
        emit(Stop(reason, Usage(len(ids), count)))

    def _weigh(self, ids: Sequence[int], emit: Emit[Delta | Mapping[str, float]]) -> None:
        with translated(self.identity.name), closing(self._model().tokens(ids, 1, emit)) as tokens:
            for _, likely in tokens:
                told: dict[str, float] = {}
                for token, probability in self._model().likeliest(likely):
                    text = self._encoder.decode([token])
                    told[text] = told.get(text, 0.0) + probability
                emit(told)

    def _dictate(self, ids: Sequence[int], said: Sequence[int], emit: Emit[Any]) -> tuple[float, ...]:
        with translated(self.identity.name):
            model = self._model()
            dictation = Dictation(said)
            for _ in model.tokens(ids, len(said), emit, dictation):
                pass
            return dictation.likelihoods()

    def _begin_constraint(self, schema: Mapping[str, Any], width: int) -> Constraint:
        if self._constrain is None:
            raise ValueError("it was made without a way to keep to a schema")
        return self._constrain(schema, width)

    def _model(self) -> _Loaded:
        if self._loaded is None:
            with translated(self.identity.name):
                self._loaded = _load(self._folder)
            self.notice = self._loaded.notice
        return self._loaded

    def _unload(self) -> None:
        self._loaded = None
        core: Any = sys.modules.get("mlx.core")
        if core is not None:
            core.clear_cache()
            core.clear_streams()  # a process that ends while the streams of another thread remain is aborted


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A model in memory with what is needed to run it."""

    core: Any
    model: Any
    generate_step: Callable[..., Any]
    stream: Any
    prefill_step: int
    notice: str

    def likeliest(self, log_probabilities: Any) -> list[tuple[int, float]]:
        """The ``LIKELIEST`` tokens with their probabilities."""
        best = self.core.argsort(-log_probabilities)[:LIKELIEST]
        return list(zip(best.tolist(), self.core.exp(log_probabilities[best]).tolist(), strict=True))

    def tokens(
        self, ids: Sequence[int], max_tokens: int, emit: Emit[Any], choose: Choose | None = None
    ) -> Generator[tuple[int, Any], None, None]:
        """The likeliest token each time, beside the logarithms of all probabilities; none once the consumer has gone.

        ``choose`` changes the logits first, see ``mlx_choosing``.
        """

        def on_progress(_done: int, _total: int) -> None:
            if not emit(Delta("")):
                raise _UnwantedError

        steps = self.generate_step(
            self.core.array(list(ids)),
            self.model,
            self.stream,
            max_tokens=max_tokens,
            prefill_step_size=self.prefill_step,
            prompt_progress_callback=on_progress,
            logits_processors=[partial(choose, self.core)] if choose else None,
        )
        try:
            with closing(steps):
                for token, log_probabilities in steps:
                    yield int(token), log_probabilities
        except _UnwantedError:
            return
        finally:
            # One token more than was taken is always being computed; the process must not end meanwhile.
            self.core.synchronize(self.stream)


class _UnwantedError(Exception):
    """Ends a prefill that nobody waits for."""


def _load(folder: Path) -> _Loaded:
    """Imports MLX and reads the weights. On a plain processor they are turned into float32, see ``notice``."""
    fast = has_accelerator() or _lend_openblas()
    with quiet_import():
        try:
            import mlx.core as core
            from mlx_lm.generate import generate_step
            from mlx_lm.utils import dequantize_model, load_model
        except ImportError as error:
            message = f"MLX cannot be loaded: {error}"
            raise ModelError(
                "engine-missing", message, hint="pip install 'ragcli[mlx-cpu]', or [mlx-cuda12] or [mlx-cuda13]"
            ) from error
    on_processor = core.default_device().type == core.DeviceType.cpu
    core.set_cache_limit(CACHE_BYTES)
    model, _ = load_model(folder, lazy=True)
    if on_processor:
        # MLX has no fast kernels here for half precision or quantized weights; dense float32 goes to the BLAS library.
        model.set_dtype(core.float32)
        model = dequantize_model(model)
    core.eval(model.parameters())
    notice = NO_OPENBLAS if on_processor and not fast else ""
    return _Loaded(
        core,
        model,
        generate_step,
        core.new_stream(core.default_device()),
        CPU_PREFILL_STEP if on_processor else PREFILL_STEP,
        notice,
    )


def _lend_openblas() -> bool:
    """MLX's own BLAS on Linux is the slow reference; a faster one that is loaded first takes its place."""
    try:
        ctypes.CDLL(OPENBLAS, mode=ctypes.RTLD_GLOBAL)
    except OSError:
        return not sys.platform.startswith("linux")
    return True


@contextmanager
def quiet_import() -> Iterator[None]:
    """Importing mlx-lm warns of what its users cannot mend, and lowers the limit of open files for good; not here."""
    import resource  # absent on Windows, as MLX is

    original = resource.setrlimit
    resource.setrlimit = _keep_limit
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        resource.setrlimit = original


def _keep_limit(_resource: int, _limits: tuple[int, int], /) -> None: ...


@contextmanager
def translated(name: str) -> Iterator[None]:
    """Errors of mlx and mlx-lm become ModelError ``model-failed``."""
    try:
        yield
    except ModelError:
        raise
    except Exception as error:
        message = f"MLX failed with {name}: {(str(error).splitlines() or [type(error).__name__])[0]}"
        raise ModelError(
            "model-failed", message, hint="use the other engine: ragcli config set answer.engine llamacpp"
        ) from error
