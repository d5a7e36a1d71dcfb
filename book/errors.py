"""The one kind of error that a person who builds the book is told about: one line, without a traceback."""


class BookError(Exception):
    """What is wrong, with the value, and what to do."""
