"""A callback that watches an estimate and ends the run once it stands still.  python examples/own_callback.py"""

import numpy as np

import spindle as sp

t = sp.coordinates("t")
u, rate, times = sp.unknown("u", t), sp.parameter("rate", 1.0, unknown=True), np.linspace(0, 1, 30)
measured = np.exp(-2 * times) + 0.01 * np.random.default_rng(0).normal(size=30)
observed = sp.Observed(u, {t: times}, measured, noise=0.01)
decay = sp.Problem(sp.Interval(t, 0, 1), [u.diff(t) + rate * u], [sp.Initial(u, 1), observed])


def main(**settings) -> float:
    """The rate, true 2, from noisy measurements."""
    seen = []

    def settled(moment, total) -> bool:
        return seen.append(moment.parameters["rate"]) or (len(seen) > 20 and np.ptp(seen[-10:]) < 1e-6)

    return sp.solve(decay, sp.PINN(**settings), callbacks=[settled]).parameters["rate"]


if __name__ == "__main__":
    print(main())
