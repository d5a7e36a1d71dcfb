from collections import Counter
from itertools import combinations, compress, permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regopt import delete_words, insert_words, replace_synonyms, swap_words
from tests.evidence import agree
from tests.regopt.chance import Scripted, Steered, hoeffding, keeping

SYNONYMS = {"big": ["large", "huge"], "dog": ["hound"], "runs": []}
SENTENCE = ["a", "big", "dog", "runs", "to", "a", "big", "cat"]
DRAWS = 20_000

sentences = st.lists(st.sampled_from(["big", "dog", "runs", "cat"]), max_size=8)
seeds = st.integers(0, 2**32)


def frequencies(change, draws=DRAWS):
    """How often each result comes; `change` takes a Generator."""
    rng = np.random.default_rng(0)
    counts = Counter(tuple(change(rng)) for _ in range(draws))
    return {result: count / draws for result, count in counts.items()}


def assert_distribution(change, expected):
    seen = frequencies(change)
    assert set(seen) == set(expected)
    for result, chance in expected.items():
        assert abs(seen[result] - chance) < hoeffding(DRAWS), result


NUMBERS = np.arange(4.0)  # as words, so that numpy can say what becomes of them
WORDS = [str(number) for number in NUMBERS]


def numbers(words):
    return [float(word) for word in words]


class TestReplaceSynonyms:
    def test_agrees_with_numpys_put_at_every_set_of_places(self):
        synonyms = {word: [f"{word}5", f"{word}7"] for word in WORDS}  # 2.0 becomes 2.05 or 2.07
        for places in permutations(range(4), 2):
            for picks in product(range(2), repeat=2):
                rng = Steered(permutation=np.array(places), integers=list(picks))
                expected = NUMBERS.copy()
                np.put(expected, places, NUMBERS[list(places)] + np.array([0.05, 0.07])[list(picks)])
                got = numbers(replace_synonyms(WORDS, n=2, synonyms=synonyms, rng=rng))
                agree("replace_synonyms", "numpy.put at every pair of places", got, expected)

    def test_every_place_with_synonyms_and_every_synonym_equally_often(self):
        words = ["a", "big", "dog"]
        expected = {("a", "large", "dog"): 1 / 4, ("a", "huge", "dog"): 1 / 4, ("a", "big", "hound"): 1 / 2}
        assert_distribution(lambda rng: replace_synonyms(words, n=1, synonyms=SYNONYMS, rng=rng), expected)

    def test_equal_words_are_chosen_for_themselves(self):
        expected = {("hound", "dog"): 1 / 2, ("dog", "hound"): 1 / 2}
        assert_distribution(lambda rng: replace_synonyms(["dog", "dog"], n=1, synonyms=SYNONYMS, rng=rng), expected)

    @given(sentences, st.integers(0, 9), seeds)
    def test_changes_as_many_as_it_can_and_only_into_synonyms(self, words, n, seed):
        result = replace_synonyms(words, n=n, synonyms=SYNONYMS, rng=np.random.default_rng(seed))
        changed = [(old, new) for old, new in zip(words, result, strict=True) if old != new]
        assert len(changed) == min(n, sum(word in ("big", "dog") for word in words))
        assert all(new in SYNONYMS[old] for old, new in changed)


class TestInsertWords:
    def test_agrees_with_numpys_insert_at_every_place(self):
        for place in range(5):
            rng = Steered(integers=[1, 0, place])  # the second word's first synonym
            got = numbers(insert_words(WORDS, n=1, synonyms={"0.0": ["8"], "1.0": ["9"]}, rng=rng))
            agree("insert_words", "numpy.insert at every place", got, np.insert(NUMBERS, place, 9))

    def test_every_source_synonym_and_place_equally_often(self):
        expected = {}
        for new, chance in (("large", 1 / 4), ("huge", 1 / 4), ("hound", 1 / 2)):
            for place in range(4):
                words = ["a", "big", "dog"]
                words.insert(place, new)
                expected[tuple(words)] = chance / 4
        change = lambda rng: insert_words(["a", "big", "dog"], n=1, synonyms=SYNONYMS, rng=rng)  # noqa: E731
        assert_distribution(change, expected)

    @given(sentences, st.integers(0, 4), seeds)
    def test_keeps_the_sentence_in_its_order(self, words, n, seed):
        result = insert_words(words, n=n, synonyms=SYNONYMS, rng=np.random.default_rng(seed))
        sources = [word for word in words if SYNONYMS.get(word)]
        assert len(result) == len(words) + (n if sources else 0)
        new = Counter(result) - Counter(words)
        assert all(any(word in SYNONYMS[source] for source in sources) for word in new)
        assert [word for word in result if word not in new] == words

    def test_what_was_inserted_is_no_source(self):
        chain = {"a": ["b"], "b": ["c"]}
        result = insert_words(["a"], n=30, synonyms=chain, rng=np.random.default_rng(0))
        assert set(result) == {"a", "b"}


class TestDeleteWords:
    def test_agrees_with_itertools_compress_for_every_mask(self):
        for mask in product((0, 1), repeat=4):
            if any(mask):
                got = numbers(delete_words(WORDS, p=0.5, rng=keeping(mask)))
                agree("delete_words", "itertools.compress by every mask", got, list(compress(NUMBERS, mask)))

    @pytest.mark.parametrize("p", [0.1, 0.6])
    def test_every_word_by_itself_and_never_all(self, p):
        words = ["a", "b", "c"]
        expected = {}
        for size in (1, 2, 3):
            for kept in combinations(words, size):
                expected[kept] = (1 - p) ** size * p ** (3 - size) + (p**3 / 3 if size == 1 else 0)
        assert_distribution(lambda rng: delete_words(words, p=p, rng=rng), expected)

    def test_no_word_is_left_alone_and_p_zero_deletes_none(self):
        rng = np.random.default_rng(0)
        assert delete_words([], p=0.5, rng=rng) == []
        assert delete_words(SENTENCE, p=0, rng=rng) == SENTENCE
        assert all(delete_words(["only"], p=0.99, rng=rng) == ["only"] for _ in range(50))
        assert delete_words(SENTENCE, p=0, rng=Scripted(np.zeros(len(SENTENCE)))) == SENTENCE  # the smallest draw is 0

    @pytest.mark.parametrize("p", [-0.1, 1.0, float("nan")])
    def test_refuses_p(self, p):
        with pytest.raises(ValueError, match=rf"p must be a number in \[0, 1\), got {p}"):
            delete_words(SENTENCE, p=p, rng=np.random.default_rng(0))


class TestSwapWords:
    def test_agrees_with_a_permutation_matrix_for_every_pair(self):
        for i, j in permutations(range(4), 2):
            exchange = np.eye(4)
            exchange[[i, j]] = exchange[[j, i]]
            got = numbers(swap_words(WORDS, n=1, rng=Steered(permutation=np.array([i, j]))))
            agree("swap_words", "the permutation matrix of every pair", got, exchange @ NUMBERS)

    def test_every_pair_equally_often(self):
        expected = {("b", "a", "c"): 1 / 3, ("c", "b", "a"): 1 / 3, ("a", "c", "b"): 1 / 3}
        assert_distribution(lambda rng: swap_words(["a", "b", "c"], n=1, rng=rng), expected)

    def test_two_words_change_places(self):
        assert swap_words(["a", "b"], n=1, rng=np.random.default_rng(0)) == ["b", "a"]

    def test_twice_can_undo_itself(self):
        expected = {("a", "b", "c"): 1 / 3, ("b", "c", "a"): 1 / 3, ("c", "a", "b"): 1 / 3}
        assert_distribution(lambda rng: swap_words(["a", "b", "c"], n=2, rng=rng), expected)

    @given(sentences, st.integers(0, 5), seeds)
    def test_keeps_the_words(self, words, n, seed):
        assert Counter(swap_words(words, n=n, rng=np.random.default_rng(seed))) == Counter(words)

    @pytest.mark.parametrize("words", [[], ["one"]])
    def test_fewer_than_two_words_stay(self, words):
        assert swap_words(words, n=3, rng=np.random.default_rng(0)) == words


CHANGES = {
    "replace_synonyms": lambda words, n: replace_synonyms(words, n=n, synonyms=SYNONYMS, rng=np.random.default_rng(0)),
    "insert_words": lambda words, n: insert_words(words, n=n, synonyms=SYNONYMS, rng=np.random.default_rng(0)),
    "swap_words": lambda words, n: swap_words(words, n=n, rng=np.random.default_rng(0)),
    "delete_words": lambda words, n: delete_words(words, p=0.5, rng=np.random.default_rng(0)),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
class TestEveryChange:
    def test_gives_a_new_list_and_leaves_the_old_one(self, change):
        words = list(SENTENCE)
        result = change(words, 2)
        assert result is not words
        assert words == SENTENCE
        assert type(result) is list

    def test_takes_a_tuple_and_refuses_a_text(self, change):
        assert type(change(tuple(SENTENCE), 1)) is list
        with pytest.raises(
            ValueError, match=r"words must be a list of words \(split the text first\), got 'a big dog'"
        ):
            change("a big dog", 1)

    def test_refuses_a_negative_number(self, change):
        if change is not CHANGES["delete_words"]:
            with pytest.raises(ValueError, match="n must be >= 0, got -1"):
                change(SENTENCE, -1)
