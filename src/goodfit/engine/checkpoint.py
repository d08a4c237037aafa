"""Checkpoints that survive a kill, a full disk and a damaged file: atomic, checksummed, written in the background.

A checkpoint is two files: NAME-STEP.safetensors and its manifest NAME-STEP.json, which is renamed into place last and
holds the checksum; without a good manifest there is no checkpoint. What has no predecessor to fall back on, such as
`best`, has a twin: NAME-STEP.twin.safetensors and its manifest.
Source: the write order (data, fsync, rename, fsync of the folder) of Pillai et al. 2014, "All File Systems Are Not
Created Equal", OSDI.
"""

from __future__ import annotations

import errno
import json
import shutil
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch

from ..core.errors import printable
from ..core.files import write_atomic
from ..core.finding import Finding
from ..core.task import State
from .tensors import digest, to_bytes

LAST = "last"
KEEP = 2  # checkpoints of `last`: a damaged one must have a predecessor
NOT_WRITTEN, DAMAGED = "GF-P021", "GF-P022"
_SPARE_BYTES = 2**20


class CheckpointStore:
    """The checkpoints of one run.

    Args:
        folder: made at the first save; one process at a time writes in it (the run's lock sees to that).
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._writer: threading.Thread | None = None
        self._findings: list[Finding] = []
        self._owed: tuple[str, State, int] | None = None
        self._swept = False

    def save(self, name: str, state: State, step: int) -> None:
        """Write a snapshot in the background; an earlier write is awaited first.

        A write that fails (full disk, no permission) leaves the older checkpoints as they were and becomes a Finding.
        One of another name than `last` is then owed: it is tried again before anything else is written, so that a
        `last` on disk never stands without the best that belongs to it.

        Args:
            name: `last` or `best`.
            state: a snapshot that nobody changes any more.
            step: optimiser steps that it stands for.
        """
        self.wait()
        self._writer = threading.Thread(target=self._write, args=(name, state, step), name="goodfit-checkpoint")
        self._writer.start()

    def wait(self) -> None:
        """Return when nothing is being written."""
        if self._writer is not None:
            self._writer.join()
            self._writer = None

    def findings(self) -> tuple[Finding, ...]:
        """What went wrong since this was last asked."""
        found, self._findings = tuple(self._findings), []
        return found

    def load(self, name: str) -> tuple[State | None, tuple[Finding, ...]]:
        """The newest good checkpoint of a name, and a Finding for each damaged one that was passed over.

        Returns: (None, ...) if there is no good one. Damaged files stay beside it, renamed to `*.damaged`.
        """
        self.wait()
        if self._owed is not None and self._owed[0] == name:
            return self._owed[1], ()
        damaged: list[tuple[int, str]] = []
        for step, manifest in self._newest_first(name):
            for copy in filter(Path.exists, (manifest, _twin(manifest))):
                try:
                    state = read_checkpoint(copy)
                except Damaged as error:
                    damaged.append((step, str(error)))
                    _set_aside(copy)
                    continue
                return state, tuple(_passed_over(name, bad, why, step) for bad, why in damaged)
        return None, tuple(_passed_over(name, bad, why, 0) for bad, why in damaged)

    def step(self, name: str) -> int | None:
        """Step of the newest checkpoint of a name, unread; None if there is none."""
        self.wait()
        return next((step for step, _ in self._newest_first(name)), None)

    def remove(self, name: str) -> None:
        """Delete all checkpoints of a name."""
        self.wait()
        if self._owed is not None and self._owed[0] == name:
            self._owed = None
        for _, manifest in self._newest_first(name):
            _delete(manifest)

    def drop_after(self, name: str, step: int) -> None:
        """Delete checkpoints of a name that are newer than `step`: training goes on from before them."""
        self.wait()
        for taken, manifest in self._newest_first(name):
            if taken > step:
                _delete(manifest)

    def _write(self, name: str, state: State, step: int) -> None:
        todo = [(name, state, step)]
        if self._owed is not None and self._owed[0] != name:
            todo.insert(0, self._owed)
        for one in todo:
            try:
                self._write_one(*one)
            except OSError as error:
                self._findings.append(_not_written(one[0], one[2], error))
                if one[0] != LAST:
                    self._owed = one
                return
            if one[0] != LAST:
                self._owed = None

    def _write_one(self, name: str, state: State, step: int) -> None:
        self._sweep()
        data = to_bytes(state.tensors)
        manifest = self.folder / f"{name}-{step:09d}.json"
        copies = [manifest] if name == LAST else [_twin(manifest), manifest]
        self._check_space(len(copies) * len(data))
        for copy in copies:
            write_checkpoint(copy, data, state.meta, step)
        self._prune(name, step)

    def _check_space(self, size: int) -> None:
        free = shutil.disk_usage(self.folder).free
        if free < size + _SPARE_BYTES:
            raise OSError(errno.ENOSPC, f"{size + _SPARE_BYTES} bytes needed, {free} free")

    def _prune(self, name: str, step: int) -> None:
        """Drop what no resume can need; anything later than `step` is of a history that was given up.

        Of `last` the newest two stay. Of another name the newest stays, and for each `last` the newest one that is not
        after it: training that goes on from there finds what was best then.
        """
        found = list(self._newest_first(name))
        past = [taken for taken, _ in found if taken <= step]
        if name == LAST:
            kept = set(past[:KEEP])
        else:
            cuts = [taken for taken, _ in self._newest_first(LAST)][:KEEP]
            kept = {max((p for p in past if p <= cut), default=-1) for cut in (step, *cuts)}
        for taken, manifest in found:
            if taken not in kept:
                _delete(manifest)

    def _sweep(self) -> None:
        """Remove what killed writers left behind."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self._swept:
            for leftover in self.folder.glob(".*.tmp"):
                leftover.unlink(missing_ok=True)
            named = {manifest.stem for manifest in self.folder.glob("*.json")}
            for data in self.folder.glob("*.safetensors"):
                if data.stem not in named:
                    data.unlink(missing_ok=True)
            self._swept = True

    def _newest_first(self, name: str) -> Iterator[tuple[int, Path]]:
        found = []
        for manifest in self.folder.glob(f"{name}-*.json"):
            tail = manifest.stem.rpartition("-")[2]
            if tail.isdigit() and manifest.stem == f"{name}-{tail}":
                found.append((int(tail), manifest))
        return iter(sorted(found, reverse=True))


class Damaged(Exception):
    """A checkpoint that does not hold what was written."""


def write_checkpoint(manifest: Path, data: bytes, meta: Mapping[str, Any], step: int) -> None:
    """Write the tensor file, then the manifest that makes it count.

    Raises: OSError; what stood under the manifest before is then still good, unless it was of the same step.
    """
    body = {"step": step, "bytes": len(data), "blake2b": digest(data), "meta": dict(meta)}
    text = json.dumps({"check": digest(_canonical(body)), **body}, indent=1, allow_nan=False)
    write_atomic(manifest.with_suffix(".safetensors"), data)
    write_atomic(manifest, text)


def read_checkpoint(manifest: Path) -> State:
    """The state of a manifest and its tensor file.

    Raises: Damaged with the reason if anything differs from what was written.
    """
    try:
        tree = json.loads(manifest.read_text("utf-8"))
        data = manifest.with_suffix(".safetensors").read_bytes()
        check = tree.pop("check")
        if check != digest(_canonical(tree)):
            raise Damaged("the manifest's checksum differs")
        if len(data) != tree["bytes"]:
            raise Damaged(f"{len(data)} bytes instead of {tree['bytes']}")
        if tree["blake2b"] != digest(data):
            raise Damaged("the tensor file's checksum differs")
        return State(tensors=safetensors.torch.load(data), meta=tree["meta"])
    except FileNotFoundError as error:
        raise Damaged(f"{Path(error.filename).name} is missing") from None
    except (OSError, ValueError, KeyError, AttributeError, TypeError, safetensors.SafetensorError) as error:
        raise Damaged(f"not readable: {printable(error, 120)}") from None


def _canonical(tree: Mapping[str, Any]) -> bytes:
    return json.dumps(tree, sort_keys=True, allow_nan=False).encode("utf-8")


def _set_aside(manifest: Path) -> None:
    for path in (manifest, manifest.with_suffix(".safetensors")):
        try:
            path.replace(path.with_name(path.name + ".damaged"))
        except OSError:
            continue  # gone already, or a read-only folder: it is passed over either way


def _delete(manifest: Path) -> None:
    """The manifests first: a tensor file without one does not count."""
    for copy in (manifest, _twin(manifest)):
        copy.unlink(missing_ok=True)
    for copy in (manifest, _twin(manifest)):
        copy.with_suffix(".safetensors").unlink(missing_ok=True)


def _twin(manifest: Path) -> Path:
    return manifest.with_name(f"{manifest.stem}.twin.json")


def _not_written(name: str, step: int, error: OSError) -> Finding:
    numbers = {"name": name, "step": step, "reason": printable(error.strerror or error, 120)}
    return Finding(code=NOT_WRITTEN, severity="problem", numbers=numbers)


def _passed_over(name: str, step: int, why: str, used: int) -> Finding:
    return Finding(
        code=DAMAGED, severity="warning", numbers={"name": name, "step": step, "reason": why, "used_step": used}
    )
