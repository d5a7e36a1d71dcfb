"""Every error that one part of the grader raises and another reads."""


class GraderError(Exception):
    """What the instructor must mend: one line that says what is wrong and what to do."""


class StudentError(Exception):
    """The submission's own code raised; a subclass made for the call is also of the builtin type that it raised."""


class Stopped(Exception):
    """The submission's process is lost: `cause` says why in one word ("time", "memory", "exit", ...)."""

    def __init__(self, cause: str):
        super().__init__(cause)
        self.cause = cause
