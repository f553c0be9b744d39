"""What tells one function or module of a user from another."""

import subprocess
import sys
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from spindle.storage.identity import identity, name_of

SAY = "import optax; from spindle.storage.identity import identity; print(identity(optax.sgd(1e-2)))"


def scaled(by):
    return lambda z: by * jnp.tanh(z)


def one(z, power=2):
    return z**power


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (scaled(1.0), scaled(2.0)),
        (lambda s: 1e-3, lambda s: 1e-2),
        (partial(one, power=2), partial(one, power=3)),
        (optax.sgd(1e-2), optax.sgd(1e-3)),
        (optax.lion, optax.adam),
        (optax.cosine_decay_schedule(1e-3, 10), optax.cosine_decay_schedule(1e-3, 11)),
        (np.arange(3.0), np.arange(3.0) + 1e-15),
        (jax.jit(scaled(1.0)), jax.jit(scaled(2.0))),
    ],
)
def test_parts_that_differ_are_told_apart(first, second):
    assert identity(first) != identity(second)
    assert identity(first) == identity(first)


def test_parts_made_again_are_the_same():
    assert identity(scaled(2.0)) == identity(scaled(2.0))
    assert identity(optax.chain(optax.clip(1.0), optax.adam(1e-3))) == identity(
        optax.chain(optax.clip(1.0), optax.adam(1e-3))
    )


@pytest.mark.slow
def test_another_process_says_the_same():
    said = subprocess.run([sys.executable, "-c", SAY], capture_output=True, text=True, check=True).stdout.strip()
    assert said == identity(optax.sgd(1e-2))


def test_functions_go_by_their_names_and_objects_by_their_classes():
    assert name_of(one) == f"{__name__}.one"
    assert name_of(np.random.default_rng(0)).endswith("Generator")


def test_what_refers_to_itself_has_an_end():
    ring: list = []
    ring.append(ring)
    assert identity(ring)
