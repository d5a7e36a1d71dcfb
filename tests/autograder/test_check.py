import pytest

from autograder.check import Verdict, exercises, judge

EXERCISES = exercises("soft_thresholding").values()
MISTAKES = [(exercise, mistake) for exercise in EXERCISES for mistake in exercise.mistakes]
SOLUTIONS = [(exercise, solution) for exercise in EXERCISES for solution in exercise.solutions]


@pytest.mark.parametrize(("exercise", "solution"), SOLUTIONS, ids=lambda each: each.name)
def test_right_solutions_have_full_marks(exercise, solution):
    verdict = judge(exercise, solution.functions, 1)
    assert (verdict.score, verdict.error, verdict.cause) == (exercise.points, None, None)


@pytest.mark.parametrize(("exercise", "mistake"), MISTAKES, ids=lambda each: each.name)
def test_mistakes_fail_and_are_recognised(exercise, mistake):
    verdict = judge(exercise, mistake.functions, 1)
    assert verdict.score < exercise.points
    assert [each.name for each in verdict.mistakes] == [mistake.name]
    assert Verdict.from_json(verdict.to_json()) == verdict
