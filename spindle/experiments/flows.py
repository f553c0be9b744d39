"""Incompressible flows: the Navier-Stokes experiments of Cho et al. (2023) by our defaults, and two classical tests."""

from spindle.experiments.rows import Row
from spindle.methods.causal import CausalPINN
from spindle.methods.spinn import SPINN

_TURBULENCE = SPINN(windows=10)

DEFAULTS = (
    Row("navier_stokes4d", SPINN(), published=0.0019, source="section 4, 32^4"),
    Row("navier_stokes3d", SPINN(), published=0.00401, source="figure 1", options={"end": 0.1}),
    Row("navier_stokes3d", _TURBULENCE, published=0.0355, source="section 4, 2^21"),
    Row("navier_stokes3d", SPINN(), options={"end": 0.1, "stream": 0}),
    Row("kovasznay", SPINN(), seeds=2),
    Row("lid_driven_cavity", SPINN()),
    Row("lid_driven_cavity", SPINN(), options={"re": 400}),
)

# As published, but for the steps: 50,000 and 100,000 take days on two processor cores.
PAPER = (
    Row("navier_stokes4d", SPINN(recipe="paper", points=8, steps=1000), published=0.0090, source="section 4, 8^4"),
    Row(
        "navier_stokes3d",
        SPINN(recipe="paper", points=(8, 64, 64), windows=1, steps=1000),
        published=0.0780,
        source="section 4, 2^15",
        options={"end": 0.1, "stream": 0},
    ),
    Row(
        "navier_stokes3d",
        CausalPINN(recipe="paper", windows=1, steps=20),
        published=0.0401,
        source="section 4, causal PINN, 2^15",
        options={"end": 0.1, "stream": 0},
    ),
)
