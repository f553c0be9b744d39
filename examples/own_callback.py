"""A callback that watches an estimate and ends the run once it stands still.  python examples/own_callback.py"""

import numpy as np

import spindle as spd

t = spd.coordinates("t")
u, rate, times = spd.unknown("u", t), spd.parameter("rate", 1.0, unknown=True), np.linspace(0, 1, 30)
measured = np.exp(-2 * times) + 0.01 * np.random.default_rng(0).normal(size=30)
observed = spd.Observed(u, {t: times}, measured, noise=0.01)
decay = spd.Problem(spd.Interval(t, 0, 1), [u.diff(t) + rate * u], [spd.Initial(u, 1), observed])


def main(**settings) -> float:
    """The rate, true 2, from noisy measurements."""
    seen = []

    def settled(moment, total) -> bool:
        return seen.append(moment.parameters["rate"]) or (len(seen) > 20 and np.ptp(seen[-10:]) < 1e-6)

    return spd.solve(decay, spd.PINN(**settings), callbacks=[settled]).parameters["rate"]


if __name__ == "__main__":
    print(main())
