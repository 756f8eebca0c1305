from __future__ import annotations

import json

from bench.meters.cascade import SOURCES
from bench.meters.doctor import doctor


def test_every_meter_answers_with_a_reason_and_all_is_json() -> None:
    found = doctor()
    assert sorted(state.name for state in found.meters) == list(SOURCES)
    assert all(state.reason for state in found.meters)
    by_name = {state.name: state for state in found.meters}
    assert by_name["estimate"].works
    assert json.loads(json.dumps(found.as_dict()))["fingerprint"]["cpu"]["model"]
