"""Legal calls and refusals of the functions of the chapter augmentation."""

import numpy as np

from regopt import (
    augmix,
    color_jitter,
    crop,
    cutmix,
    cutout,
    delete_words,
    elastic_deformation,
    flip,
    histogram_equalization,
    insert_words,
    jensen_shannon_loss,
    mixup,
    randaugment,
    random_erasing,
    replace_synonyms,
    rotate,
    swap_words,
)
from tests.regopt.contract import Case

grey = np.array([[0.25, 0.5, 0.75, 0.125], [0.0, 1.0, 0.375, 0.5], [0.5, 0.625, 0.25, 0.875]])
colour = np.stack([grey, grey[::-1], 1 - grey], axis=-1)
batch, targets = np.stack([grey, 1 - grey, grey[::-1]]), np.eye(3)
no_image = (("image", np.ones(4)), ("image", np.ones((0, 4))), ("image", np.ones((1, 2, 3, 4))))
no_picture = (*no_image, ("image", 2 * colour), ("image", -colour))
no_alpha = (("alpha", 0.0), ("alpha", -1.0))
probs = np.array([[0.25, 0.25, 0.5], [0.75, 0.125, 0.125]])
words, synonyms = ["a", "big", "dog"], {"big": ["large", "huge"], "dog": ["hound"]}
no_words = (("n", -1), ("words", "a big dog"))


def half(image, strength, rng):
    return image / 2


CASES = [
    Case(
        crop,
        (grey,),
        {"size": (2, 3), "padding": 1},
        illegal=(*no_image, ("size", (6, 1)), ("size", (2, 7)), ("size", (0, 1)), ("padding", -1)),
        rng=True,
    ),
    Case(crop, (colour,), {"size": (3, 4)}, rng=True),
    Case(flip, (grey,), {"probability": 1.0}, illegal=(*no_image, ("probability", 1.5)), rng=True),
    Case(flip, (colour,), {"probability": 0.0}, illegal=(("probability", -0.5),), rng=True),
    Case(rotate, (grey,), {"angle": 30.0}, illegal=(*no_image, ("angle", np.inf))),
    Case(rotate, (colour,), {"angle": -90.0}),
    Case(
        color_jitter,
        (colour,),
        {"brightness": 0.5, "contrast": 0.5, "saturation": 0.5},
        illegal=(*no_picture, ("brightness", -0.1), ("contrast", -0.1), ("saturation", np.inf)),
        rng=True,
        nan="refused",
    ),
    Case(color_jitter, (grey,), {"brightness": 0.5}, illegal=(("saturation", 0.5),), rng=True, nan="refused"),
    Case(
        elastic_deformation,
        (grey,),
        {"alpha": 2.0, "sigma": 1.0},
        illegal=(*no_image, ("alpha", -1.0), ("sigma", 0.0)),
        rng=True,
    ),
    Case(elastic_deformation, (colour,), {"alpha": 2.0, "sigma": 1.0}, rng=True),
    Case(histogram_equalization, (colour,), {"bins": 8}, illegal=(*no_picture, ("bins", 1)), nan="refused"),
    Case(cutout, (grey,), {"size": 2}, illegal=(*no_image, ("size", 0)), rng=True),
    Case(cutout, (colour,), {"size": 3}, illegal=(("size", -1),), rng=True),
    Case(
        random_erasing,
        (colour,),
        {"probability": 1.0},
        illegal=(*no_image, ("probability", 1.5), ("area", (0.5, 0.25)), ("aspect", (0.0, 1.0))),
        rng=True,
    ),
    *(
        Case(
            mix,
            (batch, targets),
            {"alpha": 0.5},
            illegal=(*no_alpha, ("targets", np.eye(2)), ("targets", np.ones(3)), ("x", np.ones((0, 3, 4)))),
            rng=True,
        )
        for mix in (mixup, cutmix)
    ),
    Case(cutmix, (batch[..., np.newaxis], targets), {"alpha": 0.5}, illegal=(("x", np.ones((3, 2))),), rng=True),
    Case(
        randaugment,
        (colour,),
        {"n": 2, "magnitude": 5.0},
        illegal=(*no_picture, ("n", -1), ("magnitude", -1.0), ("magnitude", 11.0)),
        rng=True,
        nan="refused",
    ),
    Case(
        randaugment,
        (grey,),
        {"n": 3, "magnitude": 5.0, "operations": [half]},
        illegal=(("n", -2),),
        rng=True,
        nan="refused",
    ),
    Case(
        augmix,
        (colour,),
        {"severity": 3.0, "width": 2},
        illegal=(*no_picture, *no_alpha, ("severity", 0.0), ("width", 0)),
        rng=True,
        nan="refused",
    ),
    Case(
        jensen_shannon_loss,
        (np.stack([probs, probs[::-1], probs[:, ::-1]]),),
        illegal=(("probs", -probs), ("probs", probs[:1]), ("probs", np.ones((2, 0, 3)))),
        nan="refused",
    ),
    Case(replace_synonyms, (words,), {"n": 1, "synonyms": synonyms}, illegal=no_words, rng=True),
    Case(insert_words, (words,), {"n": 2, "synonyms": synonyms}, illegal=no_words, rng=True),
    Case(delete_words, (words,), {"p": 0.5}, illegal=(("p", 1.0), ("p", -0.5), ("words", "a big dog")), rng=True),
    Case(swap_words, (words,), {"n": 1}, illegal=no_words, rng=True),
]
