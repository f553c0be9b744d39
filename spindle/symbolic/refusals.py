"""What no method takes, in sentences that say what exists instead: delays, and derivatives of fractional order."""


def delayed(written: str, name: str) -> str:
    """The refusal of an unknown at another place than the equation holds, such as `u(t - 1, x)`."""
    return (
        f"`{written}` takes the unknown at another place than where the equation holds, and delays are not solved; "
        f"where the delay is constant, solve one span of it after the other with the solution of the span before as a "
        f'given function, `past = spd.given("past", ..., t)` (the method of steps), or take the delayed '
        f"value for a further unknown, `late.diff(t) = ({name} - late)/delay`, or a chain of several such."
    )


def fractional(written: str, name: str) -> str:
    """The refusal of a derivative whose order is no whole number, such as `u.diff(t, 0.5)`."""
    return (
        f"`{written}` has an order that is no whole number, and fractional derivatives are not solved; one in time "
        f"is a memory that decays, which a sum of exponentials approximates: further unknowns with "
        f"`memory.diff(t) = {name}.diff(t) - rate*memory`, and their weighted sum in place of the derivative."
    )
