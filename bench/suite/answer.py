"""Taking the answer out of what a model wrote, as a task's key `answer` says."""

from __future__ import annotations

import re
from collections import deque

from bench.suite.prompting import AnswerSpec

WRAPPING = " \t\r\n\f\v\u00a0\u3000\"'`*_“”‘’«»‹›„‚「」『』"
"""What `answer: {strip: true}` takes from both ends: white space, quotes, and Markdown's emphasis and code."""


def answer_in(text: str, part: AnswerSpec) -> str:
    """Find the answer in what a model wrote.

    >>> answer_in("<think>blue?</think> **red**", AnswerSpec(after="</think>", strip=True))
    'red'
    >>> answer_in("The label is: positive", AnswerSpec(regex=r"label is:? (.*)"))
    'positive'
    """
    if part.after is not None:
        text = text.rpartition(part.after)[2]
    if part.regex is not None:
        match = deque(re.finditer(part.regex, text), maxlen=1)
        text = next((found[1] if found.re.groups else found[0] for found in match), text) or ""
    return text.strip(WRAPPING) if part.strip else text
