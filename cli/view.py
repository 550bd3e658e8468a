"""An operation on the screen: bars that move on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from types import TracebackType
from typing import Protocol, Self

from rich.cells import set_cell_size
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from cli.board import WORDS, Board, Change, StepRow
from cli.language import N_, tr
from cli.output import STYLES
from cli.text import duration, harmless, per_cent

# Silence that is worth a word (seconds).
QUIET = 15.0
# Without a terminal: the least time between two notes of one step, and the longest time without a line.
NOTE_EVERY, ALIVE_EVERY = 10.0, 60.0
NARROW = 72
REDRAW = 0.1
MARKS = {"succeeded": N_("done"), "failed": N_("FAILED"), "skipped": N_("skipped"), "cancelled": N_("cancelled")}


class View(Protocol):
    """What follows an operation shows to."""

    tick: float

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    def changed(self, change: Change) -> None:
        """Show one change of the board."""

    def say(self, line: str, style: str = "") -> None:
        """Show a line that stays."""

    def refresh(self) -> None:
        """Time has gone on."""


def _mark(word: str) -> str:
    """A word of the first column, as wide as all; a Chinese letter takes two cells."""
    return set_cell_size(word, 9) + " "


def finished_line(step: StepRow, now: datetime) -> Text:
    """A step that is over, in one line."""
    mark = tr(MARKS.get(step.state, step.state))
    line = Text.assemble((_mark(mark), STYLES.get(step.state, "")), harmless(step.title))
    about = [tr(WORDS.get(step.outcome, step.outcome))] if step.outcome else []
    if step.started:
        about.append(duration(step.running_time(now)))
    if about:
        line.append(f"  ({', '.join(about)})", style="dim")
    if message := step.error.get("message"):
        host = step.error.get("host")
        line.append(f": {host}: " if host else ": ").append(harmless(str(message).replace("\n", " ")))
    return line


def doing(step: StepRow, now: datetime) -> str:
    """What a running step does, for how long, and how long it has been silent."""
    parts = [harmless(step.note)] if step.note else []
    parts.append(duration(step.running_time(now)))
    silent = (now - step.last_output).total_seconds() if step.last_output else 0.0
    if silent >= QUIET:
        parts.append(tr("last output {silent} ago", silent=duration(silent)))
    return ", ".join(parts)


class PlainView:
    """Lines, each complete in itself: for pipes, files and terminals that cannot move the cursor."""

    tick = 1.0

    def __init__(
        self,
        console: Console,
        board: Board,
        now: Callable[[], datetime],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.console, self.board, self.now, self.clock = console, board, now, clock
        self._noted: dict[str, float] = {}
        self._spoke = clock()

    def __enter__(self) -> Self:
        for step in self.board.steps.values():
            if step.ended:
                self._print(finished_line(step, self.now()))
            elif step.active:
                self._print(Text(f"{_mark(tr('running'))}{harmless(step.title)}: {doing(step, self.now())}"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def changed(self, change: Change) -> None:
        step = change.step
        if change.what == "ended" and step:
            self._print(finished_line(step, self.now()))
        elif change.what == "started" and step:
            again = tr(" (attempt {attempt})", attempt=step.attempt) if step.attempt > 1 else ""
            self._print(Text(f"{_mark(tr('start'))}{harmless(step.title)}{again}"))
        elif change.what == "note" and step and self._due(step):
            self._print(Text(f"{_mark(tr('running'))}{harmless(step.title)}: {harmless(step.note)}"))
        elif change.what == "host":
            title = f"{harmless(step.title)}: " if step else ""
            self._print(Text(f"{_mark(tr('host'))}{title}{harmless(change.text)}"))
        elif change.what == "operation":
            self._print(Text(f"{change.text}"))

    def say(self, line: str, style: str = "") -> None:
        self._print(Text(line))

    def refresh(self) -> None:
        if self.clock() - self._spoke < ALIVE_EVERY:
            return
        active = self.board.active()
        for step in active:
            self._print(Text(f"{_mark(tr('running'))}{harmless(step.title)}: {doing(step, self.now())}"))
        if not active:
            self._print(Text(f"{self.board.state}"))

    def _due(self, step: StepRow) -> bool:
        now = self.clock()
        if now - self._noted.get(step.key, now - NOTE_EVERY) < NOTE_EVERY:
            return False
        self._noted[step.key] = now
        return True

    def _print(self, line: Text) -> None:
        self._spoke = self.clock()
        self.console.print(Text(f"{per_cent(self.board.progress):>4} ") + line, soft_wrap=True)


class LiveView:
    """Bars: one for the whole, one for each running step; what is over stays above them as lines."""

    tick = 0.25

    def __init__(
        self,
        console: Console,
        board: Board,
        now: Callable[[], datetime],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.console, self.board, self.now, self.clock = console, board, now, clock
        self._drawn = 0.0
        self._live = Live(console=console, auto_refresh=False, transient=True, get_renderable=self.render)

    def __enter__(self) -> Self:
        for step in self.board.steps.values():
            if step.ended:
                self.console.print(finished_line(step, self.now()))
        self._live.start(refresh=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def changed(self, change: Change) -> None:
        step = change.step
        if change.what == "ended" and step:
            self.console.print(finished_line(step, self.now()))
        elif change.what == "host":
            title = f"{harmless(step.title)}: " if step else ""
            self.say(f"{title}{harmless(change.text)}", "yellow")
        self.refresh()

    def say(self, line: str, style: str = "") -> None:
        self.console.print(Text(line, style=style))
        self.refresh()

    def refresh(self) -> None:
        # Events may come by the hundred; a terminal needs ten pictures a second.
        if self.clock() - self._drawn >= REDRAW:
            self._drawn = self.clock()
            self._live.refresh()

    def render(self) -> RenderableType:
        """The part that moves, cut to the terminal's height."""
        now = self.now()
        done, total = self.board.counts()
        elapsed = (now - self.board.started).total_seconds() if self.board.started else 0.0
        rows = [
            self._bar(
                self.board.name,
                self.board.progress,
                tr("{done} of {total} steps, {elapsed}", done=done, total=total, elapsed=duration(elapsed)),
                "bold",
            )
        ]
        active = self.board.active()
        room = max(1, self.console.height - 4)
        rows += [self._bar(step.title, step.progress, doing(step, now), "") for step in active[:room]]
        if len(active) > room:
            rows.append(
                Text(tr("and {value} more", value=len(active) - room), style="dim", no_wrap=True, overflow="crop")
            )
        return Group(*rows)

    def _bar(self, title: str, progress: float, about: str, style: str) -> RenderableType:
        width = self.console.width
        title, about = harmless(title), harmless(about)
        if width < NARROW:
            line = Text(f"{per_cent(progress):>4} {title}: {about}", style=style, no_wrap=True, overflow="ellipsis")
            line.truncate(max(1, width - 1), overflow="crop")
            return line
        grid = Table.grid(padding=(0, 1))
        grid.add_column(width=min(40, width // 3), no_wrap=True, overflow="crop")
        grid.add_column(width=width // 5)
        grid.add_column(width=4, justify="right", no_wrap=True)
        grid.add_column(no_wrap=True, overflow="crop")
        grid.add_row(
            Text(title, style=style),
            ProgressBar(total=100, completed=progress, width=width // 5, complete_style="cyan"),
            per_cent(progress),
            Text(about, style="dim"),
        )
        return grid


def view_of(console: Console, board: Board, now: Callable[[], datetime]) -> View:
    """Bars where the console can draw them, else lines."""
    moves = console.is_terminal and not console.is_dumb_terminal
    return LiveView(console, board, now) if moves else PlainView(console, board, now)
