"""Which power m of the kernel r^m goes with an operator: a number for all, or a published rule by the polynomials."""

from collections.abc import Mapping

# The rules of Sharma & Shankar (2022), arXiv 2205.09332, and what they say of polynomials of degree l.
KERNEL_RULES: Mapping[str, str] = {
    "text": "as the publication of DT-PINNs prints it, l of polynomials of odd degree l and l - 1 of even ones, but at "
    "least the next odd number above the order of the operator",
    "code": "as its code has it, the same but no less than 5 and no more than 11",
}


def kernel_exponent(rule: int | str, degree: int, order: int) -> int:
    """The odd m of the kernel r^m for an operator of some order with polynomials of some degree.

    rule   one of `KERNEL_RULES`, or a number, which is raised to 2 order + 1, so that the kernel is smoother than that

    By the text, r has to serve for first derivatives with polynomials of degree 2, and it has none at its own node.
    """
    if isinstance(rule, int):
        return max(rule, 2 * order + 1)
    printed = degree if degree % 2 else degree - 1
    differentiable = order + 1 + order % 2
    return max(differentiable, printed if rule == "text" else min(max(printed, 5), 11))
