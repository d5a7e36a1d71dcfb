"""What a check makes of the answers of a submission, worked out once for all submissions that answer the same.

What a check asks next, and its verdict in the end, follow from what it was answered and from nothing else. So as long
as a submission answers what an earlier one did, to the bit, the next question is known, and so is the end. Every
question is asked all the same: what is spared is the checker's own work.
"""

import hashlib
from collections import deque
from collections.abc import Callable, Hashable
from contextlib import contextmanager
from typing import Any

from autograder.line import Channel, Line

MOST = 32 << 20  # bytes that a memory holds
POINT = 500  # bytes that a point takes, about


class Point:
    """One point of a conversation: what is asked there, the points that the answers lead to, or the outcome."""

    __slots__ = ("after", "count", "outcome", "question")

    def __init__(self) -> None:
        self.question: bytes | None = None  # one or several
        self.count = 1
        self.after: dict[bytes, Point] = {}
        self.outcome: Any = None


class Memory:
    """The conversations that there were. When it is full it begins anew."""

    def __init__(self) -> None:
        self.starts: dict[Hashable, Point] = {}
        self.questions: dict[bytes, bytes] = {}
        self.size = 0

    def outcome(self, about: Hashable, line: Line | None, work: Callable[[], Any], keep: Callable[[Any], bool]) -> Any:
        """What `work` makes of the answers on this line, which nothing was asked on yet.

        `about` says all else that it depends on. What `keep` is true of is remembered.
        """
        if line is None:
            return work()
        if self.size > MOST:
            self.__init__()  # type: ignore[misc]
        talk = Conversation(self, line.channel, self.starts.setdefault(about, Point()))
        known = talk.follow()
        if known is not None:
            return known
        line.channel = talk
        try:
            made = work()
        finally:
            line.channel = talk.channel
        if talk.whole and keep(made):
            talk.point.outcome = made
        return made

    def learn(self, point: Point, question: bytes, count: int) -> None:
        """What is asked at this point, and how many answers come."""
        if point.question is None:
            point.count = count
            point.question = self.questions.setdefault(question, question)
            self.size += POINT + (len(question) if point.question is question else 0)


class Conversation(Channel):
    """Goes along a known conversation as far as it leads. A check then hears the same from the start, and goes on."""

    def __init__(self, memory: Memory, channel: Channel, start: Point):
        super().__init__(channel.connection, channel.wait, channel.max_text)
        self.memory, self.channel, self.point = memory, channel, start
        self.heard: deque[bytes | Exception] = deque()  # and not yet by the check
        self.sent = b""
        self.whole = True  # nothing went wrong on the line

    def follow(self) -> Any:
        """The outcome, if it is known."""
        point: Point | None = self.point
        while point is not None and point.question is not None:
            try:
                self.channel.send(point.question)
                answer = self.channel.take(point.count)
            except Exception as error:  # of the line: the check will meet it where it would have
                self.heard.append(error)
                return None
            self.heard.append(answer)
            point = point.after.get(digest(answer))
        return point and point.outcome

    def send(self, frame: bytes, more: bool = False) -> None:
        self.sent = frame
        if not self.heard:  # else it was sent, and this is what came of it
            with self.noticing():
                self.channel.send(frame)

    def take(self, count: int) -> bytes:
        with self.noticing():
            answer = self.heard.popleft() if self.heard else self.channel.take(count)
            if isinstance(answer, Exception):
                raise answer
        self.memory.learn(self.point, self.sent, count)
        self.point = self.point.after.setdefault(digest(answer), Point())
        return answer

    @contextmanager
    def noticing(self):
        try:
            yield
        except BaseException:
            self.whole = False
            raise


def digest(answer: bytes) -> bytes:
    return hashlib.sha256(answer).digest()
