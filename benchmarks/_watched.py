"""A goodfit process whose steps another process can read, and which can be made to end inside a checkpoint write.

Not a benchmark: `kills.py` and `faults.py` start it in place of `goodfit`; the words of the command line are the same.
Environment: GOODFIT_BENCH_BOARD names the board; GOODFIT_BENCH_AIM = `how:step:share` sets the trap, see `Trap`.
"""

from __future__ import annotations

import mmap
import os
import signal
import struct
import sys
import time
from pathlib import Path

FIRST, NOW, HIT, BEGUN, TIMES = 0, 1, 2, 3, 4  # places of the board, 8 bytes each
SLOTS = 1 << 16  # steps whose end is timed
TRAPS = ("torn_tensors", "before_rename", "torn_manifest", "before_manifest_rename", "after_rename")


class Board:
    """A small file that outlives a SIGKILL: the step that the session began at, its last step, when each step ended.

    Args:
        path: of the file.
        fresh: make it anew, all places -1.
    """

    def __init__(self, path: Path, fresh: bool = False) -> None:
        if fresh or not path.exists():
            path.write_bytes(struct.pack("<q", -1) * (TIMES + SLOTS))
        with open(path, "r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)

    def __getitem__(self, place: int) -> int:
        return int(struct.unpack_from("<q", self._map, 8 * place)[0])

    def __setitem__(self, place: int, value: int) -> None:
        struct.pack_into("<q", self._map, 8 * place, value)

    def ended(self, step: int) -> int:
        """Monotonic nanoseconds at which a step of this session ended; -1 = not taken in it."""
        return self[TIMES + step % SLOTS]


class Trap:
    """Ends the whole process group inside the first write of a checkpoint of at least `step` steps.

    Args:
        how: one of TRAPS: the tensor file torn at a share of its bytes; whole but not renamed; its manifest torn, or
            whole but not renamed; all renamed, the folder not yet synced.
        step: the checkpoint's step.
        share: of the file's bytes that are kept where it is torn.
    """

    def __init__(self, how: str, step: int, share: float, board: Board) -> None:
        self.how, self.step, self.share, self.board = how, step, share, board
        self._fsync, self._replace = os.fsync, os.replace

    def set(self) -> None:
        """From now on `os.fsync` and `os.replace` look for it."""
        os.fsync, os.replace = self._on_fsync, self._on_replace  # type: ignore[assignment]

    def _on_fsync(self, handle: int) -> None:
        name = os.readlink(f"/proc/self/fd/{handle}")
        kind = {"torn_tensors": ".safetensors.", "torn_manifest": ".json."}.get(self.how)
        if kind and kind in name and self._step(name) >= self.step:
            os.ftruncate(handle, int(self.share * os.fstat(handle).st_size))
            self._spring(name)
        self._fsync(handle)

    def _on_replace(self, source: object, target: object) -> None:
        name = str(target)
        due = self._step(name) >= self.step
        kind = ".safetensors" if self.how == "before_rename" else ".json"
        if due and self.how.startswith("before") and name.endswith(kind):
            self._spring(name)
        self._replace(source, target)  # type: ignore[arg-type]
        if due and self.how == "after_rename" and name.endswith(".json"):
            self._spring(name)

    @staticmethod
    def _step(name: str) -> int:
        folder, _, file = name.rpartition("/")
        digits = "".join(c for c in file.partition("-")[2][:9] if c.isdigit())
        return int(digits) if folder.endswith("/checkpoints") and digits else -1

    def _spring(self, name: str) -> None:
        self.board[HIT] = self._step(name)
        os.killpg(os.getpgid(0), signal.SIGKILL)


def watch(board: Board) -> None:
    """Write each step of the training loop on the board."""
    from goodfit.train.loop import Meter

    advance = Meter.advance

    def advance_and_tell(self: Meter, work: float) -> None:
        if board[FIRST] < 0:
            board[FIRST], board[BEGUN] = self.at.step, time.monotonic_ns()
        advance(self, work)
        board[NOW] = self.at.step
        board[TIMES + self.at.step % SLOTS] = time.monotonic_ns()

    Meter.advance = advance_and_tell  # type: ignore[method-assign]


def main() -> int:
    """Run the command line, watched."""
    board = Board(Path(os.environ["GOODFIT_BENCH_BOARD"]))
    if aim := os.environ.get("GOODFIT_BENCH_AIM"):
        how, step, share = aim.split(":")
        Trap(how, int(step), float(share), board).set()
    watch(board)
    from goodfit.cli.main import main as goodfit

    return goodfit(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
