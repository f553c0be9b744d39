"""Weights that adapt while training goes on, so that all residuals pull alike."""


def balanced(weights, norms):
    """Weights that even out the gradient norms, moved a tenth of the way (Wang et al. 2023, arXiv 2308.08468).

    Those without a norm stay what they are.
    """
    total = sum(norms.values())
    target = {name: total / (norm + 1e-12 * total) / len(norms) for name, norm in norms.items()}
    moved = {name: 0.9 * weights[name] + 0.1 * target[name].astype(weights[name].dtype) for name in norms}
    return {**weights, **moved}
