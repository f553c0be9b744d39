"""Cho et al. (2023), tables 3 to 6, and the same problems by our defaults."""

from spindle.experiments.rows import Row
from spindle.methods.pinn import PINN
from spindle.methods.spinn import SPINN

_MODIFIED_32 = SPINN(recipe="paper", network="modified", points=32)

# The published settings as they are, 50,000 steps. The number is the printed relative L2 error.
PAPER = (
    Row("helmholtz3d", _MODIFIED_32, published=0.0595, source="table 4", seeds=5),
    Row("klein_gordon3d", _MODIFIED_32, published=0.0020, source="table 5", seeds=5),
    Row("diffusion3d", _MODIFIED_32, published=0.0067, source="table 3", seeds=5),
)

# The baseline without separation; more than an hour on two processor cores.
PAPER_PINN = (Row("klein_gordon3d", PINN(recipe="paper", points=16), published=0.0343, source="table 5"),)

# Nothing set: what a user gets. Five seeds each, median and worst.
DEFAULTS = tuple(
    Row(name, SPINN(), seeds=5)
    for name in (
        "helmholtz3d",
        "klein_gordon3d",
        "klein_gordon4d",
        "diffusion6d",
        "poisson2d",
        "convection",
        "sine_gordon2d",
        "variable_coefficient2d",
        "poisson_nd",
    )
)

# Fronts, corners, high ranks, twenty axes: minutes rather than seconds. One seed each.
HARD = (
    Row("poisson_nd", SPINN(), options={"d": 20}),
    *(Row(name, SPINN()) for name in ("diffusion3d", "flow_mixing3d", "allen_cahn", "burgers", "poisson_lshape")),
)

# Other members of the families, on which nothing was tuned.
MEMBERS = (
    Row("helmholtz3d", SPINN(), seeds=5, options={"a1": 6, "a2": 5, "a3": 2}),
    Row("helmholtz3d", SPINN(), seeds=5, options={"k": 10}),
    Row("klein_gordon3d", SPINN(), seeds=5, options={"k": 1}),
    Row("poisson2d", SPINN(), seeds=5, options={"m": 3, "n": 2}),
)

# The start and the number of features without a look at the source, which in manufactured products is the solution up
# to a number.
PLAIN = tuple(
    Row(name, SPINN(from_source=False, width=32), seeds=5) for name in ("helmholtz3d", "poisson_nd", "poisson2d")
)

# Learned functions of one coordinate instead of spectral features, with nothing set but the network and its activation.
# No condition of these problems that needs a lift holds by construction: that of Klein-Gordon would be the solution.
LEARNED = tuple(
    Row(name, SPINN(network="mlp", activation=activation), seeds=5, options=options)
    for activation in ("sin", "tanh")
    for name, options in (
        ("helmholtz3d", {}),
        ("helmholtz3d", {"a1": 6, "a2": 5, "a3": 2}),
        ("klein_gordon3d", {}),
        ("klein_gordon3d", {"k": 1}),
    )
)

PINN_DEFAULTS = tuple(Row(name, PINN(), seeds=5) for name in ("helmholtz3d", "poisson2d", "burgers", "convection"))
