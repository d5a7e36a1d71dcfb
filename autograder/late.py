"""What a late submission loses; nbgrader asks, and so does the autograder."""

import math

from nbgrader.plugins import LateSubmissionPlugin


class TenthADay(LateSubmissionPlugin):
    """A tenth of the score for every day that has begun since the assignment was due."""

    def late_submission_penalty(self, student_id: str, score: float, total_seconds_late: float) -> float:
        return score * min(1.0, 0.1 * math.ceil(total_seconds_late / 86400))
