"""What the course teaches: every chapter, every name in it, and which names are graded exercises."""


def _names(text):
    """`"ridge* sgdw"` -> {"ridge": True, "sgdw": False}; a star marks a graded exercise."""
    return {word.rstrip("*"): word.endswith("*") for word in text.split()}


CHAPTERS = {
    chapter: _names(names)
    for chapter, names in {
        "gradients": "numerical_gradient* gradient_check* softmax* log_softmax* cross_entropy* hinge_loss*"
        " gradient_descent sgd*",
        "weight_decay": "l2_penalty* ridge* sgd_l2* sgd_weight_decay* sgdw",
        "soft_thresholding": "l1_subgradient* soft_threshold* elastic_net_prox* ista* fista lasso_path*",
        "early_stopping": "early_stopping* gd_shrinkage*",
        "dropout": "dropout* dropout_classic* dropout_moments* gaussian_dropout* dropconnect*"
        " variational_dropout mask_ensemble*",
        "stochastic_depth": "survival_schedule* drop_path* expected_depth",
        "label_smoothing": "smooth_labels* label_smoothing_loss* label_smoothing_gradient* entropy_penalty*"
        " expected_calibration_error*",
        "augmentation": "crop flip rotate color_jitter cutout* random_erasing mixup* cutmix* randaugment*"
        " elastic_deformation histogram_equalization augmix* jensen_shannon_loss"
        " replace_synonyms insert_words delete_words swap_words",
        "adversarial_training": "fgsm* pgd*",
        "normalization": "batch_norm* layer_norm* effective_learning_rate*",
        "momentum": "momentum* nesterov*",
        "adaptive": "adagrad rmsprop* adam* amsgrad",
        "adamw": "adam_l2* adamw*",
        "adam_family": "adabelief* adafactor* yogi* lars* lamb*",
        "schedules": "step_decay exponential_decay polynomial_decay linear_decay cosine_annealing* triangular_cycle*"
        " inverse_sqrt* warmup* scale_learning_rate",
        "gradient_clipping": "clip_by_norm* clip_by_value*",
        "second_order": "newton* lbfgs*",
        "transfer": "l2_sp* fisher_penalty* nt_xent*",
        "choosing": "",
    }.items()
}
