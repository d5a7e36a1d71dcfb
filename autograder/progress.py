"""How far a run is: a bar on a terminal, a line now and then elsewhere."""

import sys
import time
from typing import TextIO

WIDTH = 30
EVERY = 10.0  # seconds between two lines where there is no terminal


class Progress:
    """Counts to `total`; nothing is printed where `quiet`."""

    def __init__(self, total: int, stream: TextIO = sys.stderr, *, quiet: bool = False):
        self.total, self.stream, self.quiet = total, stream, quiet
        self.done = 0
        self.began = self.told = time.monotonic()

    def step(self, name: str) -> None:
        self.done += 1
        if self.quiet:
            return
        if self.stream.isatty():
            if time.monotonic() - self.told > 0.1 or self.done == self.total:
                self.told = time.monotonic()
                self.stream.write(f"\r\x1b[K{self.text()}  {name[:30]}")
                self.stream.flush()
        elif time.monotonic() - self.told > EVERY:
            self.told = time.monotonic()
            print(self.text(), file=self.stream, flush=True)

    def text(self) -> str:
        seconds = max(time.monotonic() - self.began, 1e-9)
        left = (self.total - self.done) * seconds / max(self.done, 1)
        full = WIDTH * self.done // max(self.total, 1)
        bar = f"[{'#' * full}{'.' * (WIDTH - full)}] " if self.stream.isatty() else ""
        return f"{bar}{self.done} of {self.total}, {self.done / seconds:.1f} a second, {duration(left)} left"

    def end(self) -> None:
        """Take the bar away."""
        if not self.quiet and self.stream.isatty():
            self.stream.write("\r\x1b[K")
            self.stream.flush()


def duration(seconds: float) -> str:
    """Short, for people."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes} min {seconds} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
