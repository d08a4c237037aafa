"""The one door to the model hub: safetensors at a pinned commit, nothing else, and a quick answer when off-line.

Source: huggingface_hub, https://huggingface.co/docs/huggingface_hub.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import threading
from pathlib import Path
from urllib.parse import urlsplit

from ..core.errors import RecipeError

KEY = "model.weights"
TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
)
_BESIDE = ("config.json", "preprocessor_config.json", *TOKENIZER_FILES)  # all JSON or plain text
_FIRST_ANSWER_S = 3.0  # a hub that does not answer by then counts as off-line


def from_hub(reference: str) -> Path:
    """The model.safetensors of a hub name, from the local store or downloaded; what the model has of a configuration,
    a tokenizer and a preprocessor lies beside it.

    Args:
        reference: hub:owner/name@commit.
    Raises: RecipeError if it is not pinned, not on the hub, or if the hub does not answer within seconds.
    """
    match = re.fullmatch(r"hub:([\w.-]+/[\w.-]+)(?:@([\w./-]+))?", reference)
    if not match:
        do = "copy owner and name from the model's page"
        raise RecipeError("not a hub name", got=reference, allowed="hub:owner/name@commit", do=do, where=KEY)
    name, commit = match[1], match[2] or ""
    wanted = f"model.safetensors of https://huggingface.co/{name}"
    if not re.fullmatch(r"[0-9a-f]{40}", commit):
        raise RecipeError(
            f"{wanted} needs a pinned revision, so that it cannot change under you",
            got=commit or "none",
            allowed="the 40 hex digits of a commit",
            do=f"copy one from https://huggingface.co/{name}/commits and write hub:{name}@COMMIT",
            where=KEY,
        )
    stored = _stored(name, commit, "model.safetensors")
    if isinstance(stored, str) and not _unknown(name, commit):
        return Path(stored)
    return _download(name, commit, f"{wanted} at {commit}", stored if isinstance(stored, str) else None)


def _stored(name: str, commit: str, file: str) -> object:
    """Path of a file in the local store; None where nobody has asked for it yet; else a mark that there is none."""
    from huggingface_hub import try_to_load_from_cache

    return try_to_load_from_cache(name, file, revision=commit)


def _unknown(name: str, commit: str) -> list[str]:
    """Files beside the weights that nobody has asked for yet."""
    return [file for file in _BESIDE if _stored(name, commit, file) is None]


def _download(name: str, commit: str, wanted: str, stored: str | None) -> Path:
    """What is missing of a model; `stored` are weights that are here already, and enough where the hub is away."""
    from huggingface_hub import constants, hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError

    do = "download it elsewhere and give its path as model.weights=FILE, or connect and repeat"
    if constants.HF_HUB_OFFLINE or not _answers(constants.ENDPOINT):
        if stored is not None:
            return Path(stored)
        raise RecipeError(f"off-line: the model hub does not answer; wanted {wanted}", do=do, where=KEY)
    try:
        for file in _unknown(name, commit):
            with contextlib.suppress(EntryNotFoundError):  # no model has all of them
                hf_hub_download(name, file, revision=commit)
        return Path(hf_hub_download(name, "model.safetensors", revision=commit))
    except (OSError, ValueError, EntryNotFoundError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise RecipeError(f"the model hub does not give {wanted}", got=first, do=do, where=KEY) from None


def _answers(endpoint: str) -> bool:
    """Whether a connection opens in time; name look-ups may hang, hence the thread."""
    proxy = os.environ.get("HTTPS_PROXY") or os.environ.get("https_proxy")
    there = urlsplit(proxy or endpoint)
    reached: list[bool] = []

    def knock() -> None:
        try:
            port = there.port or (80 if there.scheme == "http" else 443)
            with socket.create_connection((there.hostname or "", port), timeout=_FIRST_ANSWER_S):
                reached.append(True)
        except (OSError, ValueError):
            reached.append(False)

    thread = threading.Thread(target=knock, daemon=True)
    thread.start()
    thread.join(_FIRST_ANSWER_S)
    return reached == [True]
