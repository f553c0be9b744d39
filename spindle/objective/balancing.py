"""Weights that adapt while training goes on, so that all residuals pull alike."""

import equinox as eqx
import jax
import jax.numpy as jnp

_PROBES = 4  # random vectors by which a trace is estimated


def balanced(weights, norms):
    """Weights that even out the gradient norms, moved a tenth of the way (Wang et al. 2023, arXiv 2308.08468).

    Those without a norm stay what they are. With traces of the tangent kernel in place of norms these are the weights
    of Wang, Yu & Perdikaris (2022), J. Comput. Phys. 449.
    """
    total = sum(norms.values())
    target = {name: total / (norm + 1e-12 * total) / len(norms) for name, norm in norms.items()}
    moved = {name: 0.9 * weights[name] + 0.1 * target[name].astype(weights[name].dtype) for name in norms}
    return {**weights, **moved}


def kernel_traces(objective, model, drawn, key) -> dict[str, jax.Array]:
    """For each residual the trace of its block of the neural tangent kernel: the mean of |d r_i / d theta|^2.

    It is the mean of |J^T z|^2 for random signs z (Hutchinson 1990, Commun. Stat. 19), here of four of them.
    Measurements that weigh by their noise are left out.
    """
    arrays, static = eqx.partition(model, eqx.is_inexact_array)
    noisy = objective.forms.noisy
    rows, backward = jax.vjp(lambda a: objective.rows(eqx.combine(a, static), drawn), arrays)
    names = [name for name in rows if name not in noisy]

    def square(name, key):
        keys = jax.random.split(key, len(rows[name]))
        signs = [jax.random.rademacher(k, r.shape, r.dtype) for k, r in zip(keys, rows[name], strict=True)]
        zero = {other: [jnp.zeros_like(r) for r in arrays] for other, arrays in rows.items()}
        (slopes,) = backward({**zero, name: signs})
        return sum(jnp.sum(s * s) for s in jax.tree.leaves(slopes))

    keys = jax.random.split(key, (len(names), _PROBES))
    return {
        name: jnp.mean(jax.lax.map(lambda k, n=name: square(n, k), each))
        for name, each in zip(names, keys, strict=True)
    }
