"""What all tests share: random keys, precision and its tolerance, and property tests that repeat exactly.

JAX and spindle are imported where they are used: what hands out the tests reads this, too, and needs neither.
"""

import gc
import itertools
import os
import shutil
import tempfile
import warnings
import zlib
from pathlib import Path

import hypothesis
from threadpoolctl import threadpool_limits

# Most of the time goes into compilation, and the tests compile many programs more than once: their workers, and the
# processes that they start, share what was compiled. Before JAX is imported, which reads this once.
_STORE = Path(tempfile.gettempdir()) / f"spindle-tests-{os.getuid() if hasattr(os, 'getuid') else ''}"
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(_STORE / "jax"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
# Programs that run for milliseconds need not be fast: compiled without optimisation they are there in a third of the
# time, and in one piece: to split them among threads that are busy costs another quarter. On a CPU only; who sets flags
# of their own gets those. One thread for each worker: the matrices are small, and threads that wait for each other take
# a quarter of the time, in NumPy even half; a plugin may have imported it already, with as many threads as it likes.
os.environ.setdefault(
    "XLA_FLAGS",
    "--xla_backend_optimization_level=0 --xla_backend_extra_options=xla_cpu_disable_new_fusion_emitters "
    "--xla_cpu_multi_thread_eigen=false --xla_cpu_parallel_codegen_split_count=1",
)
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
threadpool_limits(int(os.environ["OPENBLAS_NUM_THREADS"]), "blas")
os.environ.setdefault("SPINDLE_CACHE", str(_STORE / "weights"))

import pytest
from filelock import FileLock

from tests.slow import SLOW

hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None, database=None, max_examples=50)
hypothesis.settings.load_profile("repeatable")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Tiny solves are full of doubts; a test that asks for them says so."""
    from spindle.errors import SolveWarning

    warnings.simplefilter("ignore", SolveWarning)


@pytest.fixture
def getkey(request):
    """A function that returns another random key at each call, the same ones in every run of the test."""
    import jax

    start, count = jax.random.PRNGKey(zlib.crc32(request.node.nodeid.encode())), itertools.count()
    return lambda: jax.random.fold_in(start, next(count))


@pytest.fixture
def float64():
    """The test computes in double precision."""
    from spindle.training.precision import precision

    with precision("float64"):
        yield


@pytest.fixture
def tolerance(request):
    """What counts as equal up to rounding: 1e-12 in a test that asks for `float64`, else 1e-6."""
    return 1e-12 if "float64" in request.fixturenames else 1e-6


@pytest.fixture(scope="session")
def once(tmp_path_factory):
    """A function that has a folder of some name filled once for all workers, by the first one that asks for it."""
    root = tmp_path_factory.getbasetemp()
    root = root.parent if "PYTEST_XDIST_WORKER" in os.environ else root

    def filled(name, fill):
        with FileLock(root / f"{name}.lock"):
            if not (root / name).exists():
                part = root / f"{name}.part"
                shutil.rmtree(part, ignore_errors=True)
                part.mkdir()
                fill(part)
                part.rename(root / name)
        return root / name

    return filled


@pytest.fixture(scope="session")
def family(once):
    """The folder of a small family that was trained for some steps, see `families.trained`."""
    from tests import families

    return once("family", families.trained)


def pytest_collection_modifyitems(config, items):
    """Mark the cases of `tests/slow.py`, all of which must exist where their file is collected whole."""
    names = {item.nodeid.removeprefix("tests/"): item for item in items}
    for name in SLOW:
        if name in names:
            names[name].add_marker(pytest.mark.slow)
    files = {name.split("::")[0] for name in names}
    stale = [name for name in SLOW if name.split("::")[0] in files and name not in names]
    if stale and not any("::" in argument for argument in config.args):
        raise pytest.UsageError(f"tests/slow.py names what is no test: {', '.join(stale)}")


def pytest_collection_finish(session):
    """Modules and tests live until the end, so the garbage collector need not go through them each time.

    Nor so often: what is traced and compiled are many small objects that live for long, and few cycles.
    """
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
