"""Calls between the checker and a submission, both ways, over one socket."""

import socket
import struct
import threading
from collections.abc import Callable, Sequence

from autograder.wire import (
    MAX_DATA,
    MAX_TEXT,
    SENDABLE,
    Decoder,
    Encoder,
    Unsendable,
    WireError,
    changes,
    decoding,
    json_value,
    restore,
)

MAX_FUNCTIONS = 4096  # borrowed on one line
MAX_CALLS = 64  # calls within calls within calls
MAX_BACK = 50_000  # calls that come back while one is answered: they cost the time of whoever asked
TOGETHER = 1 << 15  # bytes that are sent before an answer is read: more could fill both directions, and stop both sides


class HungUp(WireError):
    """The other side is gone."""


class Endless(WireError):
    """The other side asks and asks, and does not answer."""


class Channel:
    """A stream socket that carries frames. `wait`, if there is one, is called before each read and may raise."""

    def __init__(self, connection: socket.socket, wait: Callable[[], object] | None = None, max_text=MAX_TEXT):
        self.connection, self.wait, self.max_text = connection, wait, max_text
        self.pending, self.kept = bytearray(), bytearray()

    def send(self, frame: bytes, more=False):
        """Send it; with what comes next if there is `more` to come at once."""
        self.kept += frame
        if more and len(self.kept) < TOGETHER:
            return
        frames, self.kept = self.kept, bytearray()
        try:
            self.connection.sendall(frames)
        except OSError as error:
            raise HungUp(str(error)) from None

    def receive(self) -> tuple[list, bytes]:
        """The message and the bytes of its arrays."""
        return read(self.take(1))

    def receive_all(self, count: int) -> list[tuple[list, bytes]]:
        frames, start, messages = self.take(count), 0, []
        while start < len(frames):
            end = start + self.size(frames, start)
            messages.append(read(frames[start:end]))
            start = end
        return messages

    def take(self, count: int) -> bytes:
        """So many frames, as they came; together they may be as large as one."""
        end = 0
        for _ in range(count):
            self.await_bytes(end + 8)
            end += self.size(self.pending, end)
            if end > 8 * count + self.max_text + MAX_DATA:
                raise WireError(f"{count} messages of more than {end} bytes")
            self.await_bytes(end)
        frames = bytes(self.pending[:end])
        del self.pending[:end]
        return frames

    def size(self, data: bytes | bytearray, start=0) -> int:
        """Bytes of the frame that starts there."""
        text_size, data_size = struct.unpack_from("<II", data, start)
        if text_size > self.max_text or data_size > MAX_DATA:
            raise WireError(f"a message of {text_size + data_size} bytes")
        return 8 + text_size + data_size

    def has_frame(self) -> bool:
        """Whether there is one that need not be waited for."""
        return len(self.pending) >= 8 and len(self.pending) >= self.size(self.pending)

    def await_bytes(self, count):
        while len(self.pending) < count:  # it grows with what comes: the sizes in front are only a claim
            if self.wait:
                self.wait()
            try:
                part = self.connection.recv(1 << 16)
            except OSError as error:
                raise HungUp(str(error)) from None
            if not part:
                raise HungUp("end of file")
            self.pending += part


def read(frame: bytes) -> tuple[list, bytes]:
    """Its message and the bytes of its arrays."""
    end = 8 + struct.unpack_from("<I", frame)[0]
    try:
        text = frame[8:end].decode()
        message, read_to = json_value(text)
    except (ValueError, RecursionError):
        raise WireError("a message that is not JSON") from None
    if read_to != len(text):
        raise WireError("a message with something after it")
    if type(message) is not list or not message:
        raise WireError("a message that is not a list")
    return message, frame[end:]


class Line:
    """One end of a conversation: it calls the other side's functions, and answers calls to those it lent.

    One end `leads`: only it may start a call out of nothing, and it receives plain values. `raised(names, text)` makes
    the exception for one that was raised over there; `fatal` ones end the conversation, the other side hears nothing.
    """

    def __init__(
        self,
        channel: Channel,
        raised: Callable[[list[str], str], Exception],
        leads: bool,
        lent: Sequence[Callable] = (),
        fatal: Sequence[type[BaseException]] = (),
    ):
        self.channel, self.raised, self.leads = channel, raised, leads
        self.lent: list[Callable] = []
        self.numbers: dict[int, int] = {}
        self.borrowed: dict[int, Callable] = {}
        self.owners: dict[int, int] = {}
        self.fatal: tuple[type[BaseException], ...] = (WireError, *fatal)
        self.serial = self.depth = 0
        self.turn = threading.RLock()  # a student's thread may call back while the function that started it waits
        for function in lent:
            self.lend(function)

    def lend(self, function):
        if id(function) in self.owners:
            return ["o", self.owners[id(function)]]
        if id(function) not in self.numbers:
            self.numbers[id(function)] = len(self.lent)
            self.lent.append(function)
        return ["f", self.numbers[id(function)], named(function)]

    def borrow(self, number, name):
        if number not in self.borrowed:
            if len(self.borrowed) >= MAX_FUNCTIONS:
                raise WireError(f"more than {MAX_FUNCTIONS} functions")

            def function(*args, **kwargs):
                return self.call(number, args, kwargs)

            function.__name__ = function.__qualname__ = name
            if self.leads:
                function.each = lambda calls: self.call_each(number, calls)  # type: ignore[attr-defined]
            self.borrowed[number] = function
            self.owners[id(function)] = number
        return self.borrowed[number]

    def own(self, number):
        if type(number) is not int or not 0 <= number < len(self.lent):
            raise WireError("a function that was never lent")
        return self.lent[number]

    def decoder(self, data, answered=()):
        return Decoder(data, self.borrow, self.own, answered, as_sent=not self.leads)

    def call(self, number, args, kwargs):
        """What the other side's function returns; what it wrote into is written into `args` here, too."""
        with self.turn:
            if self.depth > MAX_CALLS:
                raise RecursionError(f"functions of the two sides call each other deeper than {MAX_CALLS}")
            if self.depth == 0 and not self.leads:
                raise RuntimeError("called when the function that it was passed to had returned")
            serial, frame, objects = self.question(number, args, kwargs)
            self.channel.send(frame)
            for _ in range(MAX_BACK):
                message, data = self.channel.receive()
                if message[0] != "call":
                    return self.answered(message, data, serial, objects)
                self.answer(message, data)
            raise Endless(f"called back {MAX_BACK} times")

    def call_each(self, number, calls):
        """Many calls (args, kwargs) in few turns; for each a value, and None or what was raised. They lend nothing."""
        outcomes: list[tuple[object, Exception | None]] = []
        with self.turn:
            for questions in together([self.question(number, *call) for call in calls]):
                self.channel.send(b"".join(frame for _, frame, _ in questions))
                answers = self.channel.receive_all(len(questions))
                for (serial, _, objects), (message, data) in zip(questions, answers, strict=True):
                    try:
                        outcomes.append((self.answered(message, data, serial, objects), None))
                    except self.fatal:
                        raise
                    except Exception as error:
                        outcomes.append((None, error))
        return outcomes

    def question(self, number, args, kwargs):
        """Its number, its frame, and what the answer may say was written into."""
        self.serial += 1
        encoder = Encoder(self.lend)
        message = ["call", self.serial, number, encoder.encode(tuple(args)), encoder.encode(dict(kwargs))]
        return self.serial, encoder.frame(message), encoder.objects

    def answered(self, message, data, serial, objects):
        with decoding:
            kind, number, *rest = message
            if kind not in ("return", "raise") or type(number) is not int or number != serial:
                raise WireError(f"{kind!r:.20} {number!r:.20} where the answer to {serial} was due")
            decoder = self.decoder(data, objects)
            if kind == "return":
                value, changes = rest
                value = decoder.decode(value)
            else:
                names, text, changes = rest
                names, text = decoder.decode(names), decoder.decode(text)
                if type(text) is not str or type(names) is not list or not all(type(name) is str for name in names):
                    raise WireError("an exception without name and text")
            changes = [(place, decoder.decode(content)) for place, content in changes]
            decoder.finish()
            restore(objects, changes)
        if kind == "raise":
            raise self.raised(names, text)
        return value

    def serve(self):
        """Answer calls until the other side hangs up."""
        while True:
            try:
                message, data = self.channel.receive()
            except HungUp:
                return
            self.answer(message, data)

    def answer(self, message, data):
        with decoding:
            kind, serial, number, args, kwargs = message
            if kind != "call" or type(serial) is not int or self.depth > MAX_CALLS:
                raise WireError(f"{kind!r:.20} where a call was due, or calls within calls deeper than {MAX_CALLS}")
            function = self.own(number)
            decoder = self.decoder(data)
            args, kwargs = decoder.decode(args), decoder.decode(kwargs)
            decoder.finish()
            if type(args) is not tuple or type(kwargs) is not dict:
                raise WireError("a call without arguments")
        self.depth += 1
        try:
            frame = self.outcome(serial, function, args, kwargs, decoder)
        finally:
            with self.turn:  # not while a thread of the function still waits for its own answer
                self.depth -= 1
        self.channel.send(frame, more=not self.leads and self.channel.has_frame())

    def outcome(self, serial, function, args, kwargs, decoder):
        """The frame that tells what `function` returned or raised, and what it wrote into."""
        try:
            value = function(*args, **kwargs)
            encoder = Encoder(self.lend, decoder.objects)
            try:
                return encoder.frame(["return", serial, encoder.encode(value), changes(decoder, encoder)])
            except Unsendable as error:
                raise TypeError(f"{named(function)} returned {error}; it can return {SENDABLE}") from None
        except self.fatal:
            raise
        except BaseException as error:
            encoder = Encoder(self.lend, decoder.objects)
            names = ["l", *(cls.__name__ for cls in type(error).__mro__ if cls.__module__ == "builtins")]
            message = ["raise", serial, names, described(error)]
            try:
                return encoder.frame([*message, changes(decoder, encoder)])
            except Unsendable:
                return encoder.frame([*message, []])


def together(questions):
    """Portions of them that can be sent before an answer is read."""
    portion: list[tuple] = []
    size = 0
    for question in questions:
        if portion and size + len(question[1]) > TOGETHER:
            yield portion
            portion, size = [], 0
        portion.append(question)
        size += len(question[1])
    if portion:
        yield portion


def described(error):
    """The text of an exception that a stranger's class may have made."""
    try:
        text = str(error)
    except Exception:
        text = ""
    return text[:2000].encode("utf-8", "replace").decode()


def named(function):
    return str(getattr(function, "__name__", type(function).__name__))
