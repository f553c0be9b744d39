"""Error against time: the published recipe and the default, run by the same program on the same machine.

Prints both curves and the ratio of the times to the error at which the published recipe ends, in seconds of training
alone and with set-up and compilation. The paper's recipe takes 50,000 Adam steps on 32^3 points, one to two minutes a
problem on two processor cores.

    python benchmarks/curves.py [--problems helmholtz3d klein_gordon3d] [--steps 50000]
"""

import argparse

import spindle as spd
from spindle.gallery.registry import gallery


def curve(name: str, method) -> tuple[list[tuple[float, float]], float]:
    """(seconds of training, relative L2 error) at every look, and the seconds of set-up and compilation."""
    solution = spd.solve(gallery(name), method, progress=False)
    looks = [(record.seconds, max(record.errors.values())) for record in solution.run.history if record.errors]
    looks.append((solution.run.seconds.train, solution.error()))
    return looks, solution.run.seconds.setup + solution.run.seconds.compile


def compare(name: str, steps: int) -> None:
    """Print both curves of one problem, and the ratio."""
    paper, before_paper = curve(name, spd.SPINN(recipe="paper", network="modified", points=32, steps=steps))
    ours, before_ours = curve(name, spd.SPINN())
    for label, looks, before in (("published recipe", paper, before_paper), ("default", ours, before_ours)):
        print(f"\n{name}, {label}: {before:.1f} s of set-up and compilation, then")
        print("   seconds " + " ".join(f"{seconds:>8.2f}" for seconds, _ in looks))
        print("   error   " + " ".join(f"{error:>8.1e}" for _, error in looks))
    end, reached = paper[-1]
    there = next((seconds for seconds, error in ours if error <= reached), None)
    if there is None:
        print(f"{name}: the default does not reach {reached:.1e}")
        return
    print(
        f"{name}: error {reached:.1e} after {end:.1f} s by the published recipe, {there:.2f} s by the default: "
        f"{end / there:.0f} times; with set-up and compilation {(end + before_paper) / (there + before_ours):.0f} times"
    )


def main():
    """One problem after the other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--problems", nargs="+", default=["helmholtz3d", "klein_gordon3d"])
    parser.add_argument("--steps", type=int, default=50_000)
    arguments = parser.parse_args()
    for name in arguments.problems:
        compare(name, arguments.steps)


if __name__ == "__main__":
    main()
