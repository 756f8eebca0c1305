"""How a prompt and the text that goes on after it are put together."""

from __future__ import annotations


def joined(prompt: str, choice: str) -> tuple[str, str]:
    """Join prompt and choice as they are tokenised: the space between them belongs to the choice.

    >>> joined("Answer: ", "red"), joined("Answer:\\n", "red"), joined("Answer:", " red")
    (('Answer:', ' red'), ('Answer:\\n', 'red'), ('Answer:', ' red'))
    """
    bare = prompt.rstrip(" ")
    glued = bare[-1:].isspace() or choice[:1].isspace()
    return bare, choice if glued else f" {choice}"
