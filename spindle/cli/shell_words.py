"""Sentences written for Python, as the command line says them: options in place of calls."""

import re
import shlex

from spindle.methods.registry import METHODS

_NAMES = {cls.__name__: name for name, (cls, fixed) in METHODS.items() if not fixed}
_METHOD = re.compile(rf"\bspd\.({'|'.join(_NAMES)})\(")


def for_the_shell(sentence: str, directory: str = "DIRECTORY") -> str:
    """The sentence with calls such as `spd.PINN(width=3)` written as `--method pinn --set width=3`.

    directory   of the run that is spoken of
    """
    while match := _METHOD.search(sentence):
        end = _closing(sentence, match.end())
        settings = [f" --set {shlex.quote(s)}" for s in _arguments(sentence[match.end() : end]) if "=" in s]
        words = f"--method {_NAMES[match[1]]}{''.join(settings)}"
        sentence = sentence[: match.start()] + words + sentence[end + 1 :]
    sentence = re.sub(r"spd\.solve\(([\w.-]+), (--method [^`]*?)\)`", r"spindle solve \1 \2`", sentence)
    sentence = re.sub(r"spd\.solve\((\w+)=([^`]*?)\)`", r"--\1 \2`", sentence)
    return sentence.replace("spd.resume(directory)", f"spindle resume {shlex.quote(directory)}")


def _closing(text: str, start: int) -> int:
    """Where the bracket closes that opened just before."""
    depth = 1
    for position in range(start, len(text)):
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(text[position], 0)
        if depth == 0:
            return position
    return len(text)


def _arguments(text: str) -> list[str]:
    """The arguments of a call, without the quotes around words."""
    depth, pieces = 0, [""]
    for letter in text:
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            pieces.append("")
        else:
            pieces[-1] += letter
    return [re.sub(r"^(\w+)=(['\"])([\w. -]*)\2$", r"\1=\3", piece.strip()) for piece in pieces if piece.strip()]
