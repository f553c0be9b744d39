"""Preconditioned conjugate gradients for (A + shift I) x = b, A symmetric positive semidefinite and known by products.

The preconditioner is a randomised Nystrom approximation of A (Frangella, Tropp & Udell 2023, SIAM J. Matrix Anal. Appl.
44): with A ~ U diag(e) U^T, its inverse is  U (e_min + shift) / (e + shift) U^T + (I - U U^T).
"""

import jax
import jax.numpy as jnp

RANK = 96
ITERATIONS = 60
TOLERANCE = 1e-3


def conjugate_gradients(product, size: int, dtype):
    """The solver (b, shift) -> x, to a relative residual of 1e-3 or 60 products, and A's largest eigenvalue.

    Building costs RANK products, once for all shifts.
    """
    u, e = _nystrom(product, size, min(RANK, size), dtype)

    def solve(b, shift):
        def precondition(v):
            inside = u.T @ v
            return u @ (inside * (e[-1] + shift) / (e + shift)) + (v - u @ inside)

        return _cg(lambda v: product(v) + shift * v, b, precondition)

    return solve, e[0]


def _nystrom(product, size, rank, dtype):
    """Orthonormal U (size, rank) and eigenvalues e, largest first, with A ~ U diag(e) U^T."""
    sketch = jnp.linalg.qr(jax.random.normal(jax.random.PRNGKey(0), (size, rank), dtype))[0]
    image = jax.vmap(product, in_axes=1, out_axes=1)(sketch)
    # A small shift keeps the Cholesky factor of a numerically singular core real.
    nudge = jnp.finfo(dtype).eps * jnp.sqrt(float(size)) * jnp.linalg.norm(image)
    image = image + nudge * sketch
    core = jnp.linalg.cholesky((sketch.T @ image + (sketch.T @ image).T) / 2)
    half = jax.scipy.linalg.solve_triangular(core, image.T, lower=True).T
    u, s, _ = jnp.linalg.svd(half, full_matrices=False)
    return u, jnp.maximum(s * s - nudge, 0.0)


def _cg(product, b, precondition):
    def go_on(state):
        _, r, _, _, count = state
        return (count < ITERATIONS) & (jnp.linalg.norm(r) > TOLERANCE * jnp.linalg.norm(b))

    def improve(state):
        x, r, p, rz, count = state
        image = product(p)
        alpha = rz / jnp.sum(p * image)
        x, r = x + alpha * p, r - alpha * image
        z = precondition(r)
        new = jnp.sum(r * z)
        return x, r, z + new / rz * p, new, count + 1

    z = precondition(b)
    start = (jnp.zeros_like(b), b, z, jnp.sum(b * z), jnp.zeros((), jnp.int32))
    return jax.lax.while_loop(go_on, improve, start)[0]
