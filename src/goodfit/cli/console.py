"""All printing: events as they happen, results at the end; a moving display on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from ..core.duration import show_seconds
from ..core.errors import printable
from ..core.telling import data_rows, epoch_parts, sentence, show_decision, show_experiment, words
from .answers import finding_lines, table

if TYPE_CHECKING:
    from rich.live import Live

QUIET_SECONDS = 2.0  # epochs and progress that follow faster than this share one line
PROGRESS_SECONDS = 10.0  # plain progress lines are at least this far apart


@dataclass(frozen=True)
class _Work:
    """The work in hand: what, how much of it is done, since when, and how long it still takes where that is known."""

    what: str = ""
    done: float = 0.0
    total: float = 0.0
    since: float = 0.0
    eta: float | None = None


class Console:
    """Listens to a verb and prints; a `Tell`.

    Args:
        lang: en or zh.
        as_json: stdout gets the result object alone, all else goes to stderr.
        budget: seconds asked for, None = no deadline; shown as a bar.
        started: time.time() of the command's begin.
    """

    def __init__(
        self, *, lang: str = "en", as_json: bool = False, budget: float | None = None, started: float = 0.0
    ) -> None:
        self.lang, self.as_json, self.budget = lang, as_json, budget
        self.started = started or time.time()
        self._stdout = sys.stdout
        self._result = _own_stdout() if as_json else sys.stdout
        self._stream: IO[str] = sys.stderr if as_json else sys.stdout
        self._said, self._work = 0.0, _Work()
        self._stage = ""
        self._left: tuple[float, float] | None = None  # (when it was said, seconds of budget left then)
        self._live: Live | None = None
        self._rich: Any = None
        if self._stream.isatty() and os.environ.get("TERM") != "dumb":
            self._rich = _terminal(self._stream)

    def __call__(self, event: str, /, **values: Any) -> None:
        handler = getattr(self, f"_on_{event}", None)
        if handler is not None:
            handler(values)
        elif (text := sentence(event, self.lang, values)) is not None:
            self.line(text)

    def line(self, text: str = "", style: str = "") -> None:
        """One line for the person; control characters never reach the terminal."""
        safe = printable(text, 2000)
        with _patient_pipe(self):
            if self._rich is not None:
                self._rich.print(safe, style=style or None, markup=False, highlight=False, soft_wrap=True)
            elif self._stream is not None:
                self._stream.write(safe + "\n")
                self._stream.flush()

    def lines(self, lines: Iterable[tuple[str, str]]) -> None:
        """Several lines, each with its style."""
        for text, style in lines:
            self.line(text, style)

    def result(self, tree: Mapping[str, Any]) -> None:
        """The object of `--json`, one line."""
        text = json.dumps(_finite(tree), ensure_ascii=False, allow_nan=False, default=str)
        if not _encodable(text):  # a file name that is no Unicode: JSON's own escapes
            text = json.dumps(_finite(tree), allow_nan=False, default=str)
        self._result.write(text + "\n")
        self._result.flush()

    def answer_line(self, text: str) -> None:
        """One line of an answer that is the verb's whole purpose; a reader that went away ends it."""
        self._result.write(printable(text, 2000) + "\n")
        self._result.flush()

    def file(self, text: str) -> None:
        """A file as the verb's whole answer, to be redirected; control characters of names are replaced."""
        safe = "".join(letter if letter.isprintable() or letter in "\n\t" else "\ufffd" for letter in text)
        self._result.write(safe)
        self._result.flush()

    @contextlib.contextmanager
    def live(self) -> Iterator[None]:
        """While open, a terminal shows what is going on now, how far it is, and what is left of the budget."""
        if self._rich is None:
            yield
            return
        from rich.live import Live

        with Live(_Moving(self), console=self._rich, refresh_per_second=3, transient=True) as self._live:
            try:
                yield
            finally:
                self._live = None

    def elapsed(self) -> float:
        """Seconds since the command began."""
        return time.time() - self.started

    def moving_lines(self, width: int) -> list[tuple[str, str]]:
        """(text, style) of the moving display: the work in hand, and the budget."""
        lines = [(self._work_line(), "")] if self._stage or self._work.what else []
        left = self._budget_left()
        if left is not None:
            used = self.elapsed()
            label = words("cli.budget_left", self.lang, used=show_seconds(used), left=show_seconds(left))
            lines.append((f"  {_bar(used / (used + left), 24)}  {label}", "dim"))
        return [(text[: max(width - 1, 1)], style) for text, style in lines]

    def _budget_left(self) -> float | None:
        """What the work itself last said, which knows of earlier sessions; else by this command's own clock."""
        if self._left is not None:
            when, left = self._left
            return max(left - (time.time() - when), 0.0)
        return None if self.budget is None else max(self.budget - self.elapsed(), 0.0)

    def _work_line(self) -> str:
        work = self._work
        if not work.total:
            return f"  {work.what or self._stage} …"
        share = min(work.done / work.total, 1.0)
        eta = work.eta
        if eta is None and share > 0.02:  # before that the guess would jump about
            eta = (time.time() - work.since) * (1 - share) / share
        tail = f"  {words('cli.eta', self.lang, time=show_seconds(eta))}" if eta is not None else ""
        return f"  {_bar(share, 24)}  {work.what}{tail}"

    def _take_work(self, what: str, done: float, total: float | None, eta: float | None = None) -> None:
        since = time.time() if done < self._work.done or not self._work.since else self._work.since
        self._work = _Work(what=what, done=done, total=total or 0.0, since=since, eta=eta)

    def _on_stage(self, values: Mapping[str, Any]) -> None:
        self._stage = sentence("stage", self.lang, values) or ""
        self._work = _Work()
        self.line(f"{_stamp(self.elapsed())}  {self._stage}", "bold")

    def _on_data(self, values: Mapping[str, Any]) -> None:
        self.lines(table(data_rows(values["guess"], self.lang), indent=7))

    def _on_split(self, values: Mapping[str, Any]) -> None:
        self.line(f"       {sentence('split', self.lang, values)}")

    def _on_saved(self, values: Mapping[str, Any]) -> None:
        self.line(f"       {sentence('saved', self.lang, values)}")

    def _on_note(self, values: Mapping[str, Any]) -> None:
        self.line(f"       {sentence('note', self.lang, values)}")

    def _on_decision(self, values: Mapping[str, Any]) -> None:
        self.line(f"     → {show_decision(values['line'], self.lang)}", "dim")

    def _on_progress(self, values: Mapping[str, Any]) -> None:
        text = sentence("progress", self.lang, values) or ""
        self._take_work(text, values.get("done", 0), values.get("total"))
        now = time.time()
        if self._rich is None and now - max(self._said, self._work.since) >= PROGRESS_SECONDS:
            self._said = now
            self.line(f"       {text}")

    def _on_epoch(self, values: Mapping[str, Any]) -> None:
        text = " · ".join(epoch_parts(self.lang, values))
        epoch, epochs, left = values.get("epoch", 0), values.get("epochs"), values.get("budget_left")
        if left is not None and left < float("inf"):
            self._left = (time.time(), left)
        self._take_work(text, epoch, epochs, values.get("eta"))
        now = time.time()
        if now - self._said >= QUIET_SECONDS or (epochs is not None and epoch >= epochs):
            self._said = now
            self.line(f"       {text}")

    def _on_finding(self, values: Mapping[str, Any]) -> None:
        self.lines(finding_lines(values["finding"], self.lang))

    def _on_experiment(self, values: Mapping[str, Any]) -> None:
        head, *arms = show_experiment(values["experiment"], self.lang, bool(values.get("is_share")))
        self.line(f"     {head}")
        self.lines((f"       {arm}", "") for arm in arms)

    def _on_score(self, values: Mapping[str, Any]) -> None:
        self.line(f"     ✓ {sentence('score', self.lang, values)}", "green")

    def close(self) -> None:
        """Give stdout back."""
        sys.stdout = self._stdout
        if self._result is not self._stdout:
            with contextlib.suppress(OSError, ValueError):
                os.dup2(self._result.fileno(), 1)
            with contextlib.suppress(OSError, ValueError):
                self._result.close()

    def stop_watching(self) -> None:
        """Nobody reads any more: work goes on in silence."""
        self._rich, self._stream, self._live = None, open(os.devnull, "w"), None  # noqa: SIM115


def complain(text: str) -> None:
    """One clear line on stderr."""
    with contextlib.suppress(BrokenPipeError, ValueError, OSError):
        sys.stderr.write(f"goodfit: {printable(text, 4000)}\n")
        sys.stderr.flush()


def stopping(number: int, lang: str) -> None:
    """Say that a signal was heard; unbuffered, since it runs inside a signal handler."""
    with contextlib.suppress(OSError):
        os.write(2, ("\n" + words("cli.stopping", lang, signal=number) + "\n").encode("utf-8", "replace"))


def show(text: str) -> None:
    """Help and version: text as it is, on stdout."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")
    sys.stdout.flush()


def close_pipe() -> None:
    """After a broken pipe: nothing is left to flush at exit, so that Python does not complain."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.close(nowhere)


class _Moving:
    """What the moving display shows, made anew at each refresh."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def __rich_console__(self, console: Any, options: Any) -> Iterator[Any]:
        from rich.text import Text

        for text, style in self.console.moving_lines(options.max_width):
            yield Text(printable(text), style=style, no_wrap=True, overflow="ellipsis")


@contextlib.contextmanager
def _patient_pipe(console: Console) -> Iterator[None]:
    """A reader that went away must not end a training."""
    try:
        yield
    except BrokenPipeError:
        close_pipe()
        console.stop_watching()


def _terminal(stream: IO[str]) -> Any:
    from rich.console import Console as Rich

    return Rich(file=stream, highlight=False, markup=False, emoji=False)


def _own_stdout() -> IO[str]:
    """The real stdout for the result object; from here on whatever else writes to stdout lands on stderr.

    Done on file descriptors too, so that libraries in C and child processes are caught.
    """
    real = sys.stdout
    real.flush()
    sys.stdout = sys.stderr
    try:
        kept = os.dup(1)
        os.dup2(2, 1)
    except OSError:  # started with stdout closed
        return real
    return os.fdopen(kept, "w", encoding="utf-8")


def _bar(share: float, width: int) -> str:
    filled = min(max(round(share * width), 0), width)
    return "━" * filled + "╌" * (width - filled)


def _stamp(seconds: float) -> str:
    whole = int(seconds)
    clock = f"{whole // 60:d}:{whole % 60:02d}" if whole < 3600 else f"{whole // 3600}:{whole % 3600 // 60:02d}h"
    return f"{clock:>5}"


def _encodable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    if hasattr(value, "item") and not hasattr(value, "__len__"):
        value = value.item()
    return None if isinstance(value, float) and value - value != 0 else value
