"""The child process that speaks to a model hub: ``python -m ragcli.adapters.hub list|fetch …``.

Owns huggingface_hub. A child, because that library reads its switches once, when it is imported, and because one can be
stopped at any byte. Prints one JSON object on stdout; the last line on stderr says why it failed. It knows nothing of
models; only ``downloads.py`` starts it.
"""

from __future__ import annotations

import errno
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from huggingface_hub import HfApi, hf_hub_url
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError
from huggingface_hub.file_download import http_get
from huggingface_hub.utils import build_hf_headers, disable_progress_bars

REQUEST_SECONDS = 30


def list_files(repository: str, revision: str) -> dict[str, object]:
    """The commit that the revision stands for, and each file's path, size and digest as the hub tells them."""
    info = HfApi().model_info(repository, revision=revision, files_metadata=True, timeout=REQUEST_SECONDS)
    files = [
        {
            "path": file.rfilename,
            "size": file.size or 0,
            "sha256": file.lfs.sha256 if file.lfs else "",
            "blob": file.blob_id or "",
        }
        for file in info.siblings or ()
    ]
    return {"commit": info.sha, "files": files}


def fetch_files(repository: str, commit: str, *wanted: str) -> dict[str, object]:
    """Each wanted file is whole; ``wanted`` is a path in the repository, a size and where it goes, again and again.

    What an earlier attempt left of a file is continued. The library's own download starts a file over when its
    process was stopped, which hurts at two gigabytes.
    """
    for path, size, part in zip(wanted[::3], wanted[1::3], wanted[2::3], strict=True):
        url = hf_hub_url(repository, path, revision=commit)
        with Path(part).open("ab") as opened:
            http_get(url, opened, resume_size=opened.tell(), headers=build_hf_headers(), expected_size=int(size))
    return {"fetched": len(wanted) // 3}


@contextmanager
def _told_as_failures() -> Iterator[None]:
    try:
        yield
    except GatedRepoError as error:
        raise _failure("gated", "the model hub wants its licence accepted there, and your token in HF_TOKEN", error) from error
    except (RepositoryNotFoundError, RevisionNotFoundError) as error:
        raise _failure("absent", "the model hub does not have it", error) from error
    except HfHubHTTPError as error:
        raise _failure("refused", "the model hub refused", error) from error
    except Exception as error:
        full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
        kind, message = ("disk-full", "the disk is full") if full else ("offline", "the model hub cannot be reached")
        raise _failure(kind, message, error) from error


def _failure(kind: str, message: str, error: Exception) -> SystemExit:
    first = (str(error).strip().splitlines() or [""])[0]
    sys.stderr.write("\n" + json.dumps({"kind": kind, "message": f"{message} ({type(error).__name__}: {first[:200]})"}) + "\n")
    return SystemExit(1)


def main(arguments: list[str]) -> None:
    """Runs one action and prints its result."""
    disable_progress_bars()
    action, *rest = arguments
    with _told_as_failures():
        result = list_files(*rest) if action == "list" else fetch_files(*rest)
    sys.stdout.write(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1:])
