"""What a database would refuse or lose."""

import json
import math
from pathlib import Path

import numpy as np

from bench.record import Fact
from bench.store.encoding import clean_fact, clean_text, to_json


def test_json_has_no_number_that_is_not_finite():
    value = {
        "a": math.inf,
        "b": [math.nan, 1.5],
        "c": (Path("x"), np.float32(0.5), np.int64(3), {2, 1}),
        4: None,
    }
    assert json.loads(to_json(value)) == {"a": None, "b": [None, 1.5], "c": ["x", 0.5, 3, [1, 2]], "4": None}


def test_json_keeps_the_order_of_keys():
    assert to_json({"b": 1, "a": 2}) == '{"b": 1, "a": 2}'


def test_ordinary_text_is_left_alone():
    assert clean_text("Grüße, 你好 🙂\n") == "Grüße, 你好 🙂\n"


def test_a_reading_that_is_no_number_is_none_with_the_reason():
    fact = clean_fact(Fact("x", -math.inf, "s", "clock", "late", low=1.0, high=math.inf))
    assert (fact.value, fact.low, fact.high) == (None, 1.0, None)
    assert fact.reason == "the reading was not a finite number (-inf); late"
    assert clean_fact(Fact("x", 0.0, "s", "clock")) == Fact("x", 0.0, "s", "clock")
