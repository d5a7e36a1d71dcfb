"""Four ways to change a sentence at random without changing what it is about (EDA, Wei and Zou 2019).

A sentence is a list of words: split it first. `synonyms` maps a word to a list of those that may stand in its place.
"""

from itertools import compress

from regopt._arguments import fraction, require

__all__ = ["delete_words", "insert_words", "replace_synonyms", "swap_words"]


def replace_synonyms(words, *, n, synonyms, rng):
    """Put a synonym in the place of `n` random words.

    words[i] -> a random one of synonyms[words[i]],  for n different i among the words that have synonyms

    Convention: EDA's, but of positions, not of distinct words: two equal words are chosen for themselves. With fewer
    than `n` words that have synonyms, all of these are replaced.
    Shapes: a list of words in, a new list of as many words out.

    >>> import numpy as np
    >>> replace_synonyms(["a", "big", "dog"], n=1, synonyms={"big": ["large"]}, rng=np.random.default_rng(0))
    ['a', 'large', 'dog']
    """
    words = _sentence(words)
    require(n >= 0, "n", ">= 0", n)
    for place in rng.permutation(_with_synonyms(words, synonyms))[:n]:
        words[place] = _pick(synonyms[words[place]], rng)
    return words


def insert_words(words, *, n, synonyms, rng):
    """Insert, `n` times, a synonym of a random word of the sentence at a random place.

    words -> words[:i] + [a random one of synonyms[w]] + words[i:],  w and i random

    Convention: EDA's: w is one of the words as given that have synonyms, i any place, both ends included. A sentence
    in which no word has a synonym stays as it is.
    Shapes: a list of words in, a new list with `n` words more out.

    >>> import numpy as np
    >>> insert_words(["big", "dog"], n=1, synonyms={"big": ["large"]}, rng=np.random.default_rng(0))
    ['big', 'dog', 'large']
    """
    words = _sentence(words)
    require(n >= 0, "n", ">= 0", n)
    sources = [words[place] for place in _with_synonyms(words, synonyms)]
    for _ in range(n if sources else 0):
        new = _pick(synonyms[_pick(sources, rng)], rng)
        words.insert(int(rng.integers(len(words) + 1)), new)
    return words


def delete_words(words, *, p, rng):
    """Delete each word with probability `p`.

    words -> [w for w in words if it survives],  each with probability 1 - p, independently

    Convention: EDA's: where nothing would be left, one random word is.
    Shapes: a list of words in, a new list of at most as many out.

    >>> import numpy as np
    >>> delete_words("the cat sat on the mat".split(), p=0.5, rng=np.random.default_rng(0))
    ['the', 'the', 'mat']
    """
    (p,) = fraction(p=p)
    words = _sentence(words)
    kept = list(compress(words, rng.random(len(words)) >= p))
    return kept if kept or not words else [_pick(words, rng)]


def swap_words(words, *, n, rng):
    """Exchange two random words, `n` times over.

    words[i], words[j] = words[j], words[i],  i and j random and different

    Convention: EDA's, except that i and j always differ. A later swap may undo an earlier one. One word stays.
    Shapes: a list of words in, a new list of the same words out.

    >>> import numpy as np
    >>> swap_words(["the", "cat", "sat"], n=1, rng=np.random.default_rng(0))
    ['sat', 'cat', 'the']
    """
    words = _sentence(words)
    require(n >= 0, "n", ">= 0", n)
    for _ in range(n if len(words) > 1 else 0):
        i, j = rng.permutation(len(words))[:2]
        words[i], words[j] = words[j], words[i]
    return words


def _sentence(words):
    """A new list of the words."""
    require(not isinstance(words, str), "words", "a list of words (split the text first)", repr(words))
    return list(words)


def _with_synonyms(words, synonyms):
    return [place for place, word in enumerate(words) if synonyms.get(word)]


def _pick(choices, rng):
    return choices[int(rng.integers(len(choices)))]
