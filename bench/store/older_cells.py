"""Cells as versions before 0004 of the database kept them, and what they are now.

They had an untyped `payload`, whose keys are those of today's job, and an identity that held every key of the suite,
so that a new key with a default made all cells new ones. An identity now holds what differs from the defaults. This
takes the defaults of then out of an identity of then; the id of the same cell, planned today, is the hash of the same
mapping, so that what was measured stays measured. The tables are of that time: they do not follow the schema.
"""

from __future__ import annotations

from collections.abc import Mapping

from bench.digest import content_hash

Json = Mapping[str, object]

VARIANT: Json = {"dtype": "float32", "compile": False, "quantise": None, "prune": None}
MODEL: Json = {
    "revision": None,
    "gguf_file": None,
    "subfolder": None,
    "factory": None,
    "strategy": None,
    "options": {},
    "chat_template": False,
    "trust_remote_code": False,
    "allow_pickle": False,
}
TASK: Json = {
    "metrics": [],
    "label_names": {},
    "max_examples": None,
    "max_new_tokens": 64,
    "max_input_tokens": None,
    "num_beams": 1,
    "length_penalty": 1.0,
    "stop": [],
}
MEASURE: Json = {"profile": "standard", "processes": None, "window_s": None, "energy": "auto", "tdp_w": None}
WHOLE: Json = {
    "variant": {},
    "scoring": "",
    "labels": [],
    "seed": 42,
    "batch_size": 16,
    "batch_tokens": None,
    "device": "auto",
    "threads": None,
    "cpus": None,
    "schema": 2,
}
"""Defaults of the identity itself. `schema`: records of the schema before are those of other cells still."""
PARTS: Mapping[str, Json] = {"variant": VARIANT, "model": MODEL, "task": TASK, "measure": MEASURE}

NOT_TERMS = frozenset({"model", "weights", "variant", "template", "schema"})
"""Parts of an identity that are the candidate; the hash of the others is the `terms` of a summary."""


def is_older(cell: Json) -> bool:
    """Say whether a record's column `cell` is of before."""
    return "payload" in cell


def renewed(cell: Json) -> dict[str, object]:
    """Renew a record's column `cell` to the form that is kept now; `drawn_as` is the id of then, which seeds its
    intervals.

    >>> old = {"payload": {}, "identity": {"seed": 42, "variant": dict(VARIANT), "weights": "w"}, "unsupported": None}
    >>> renewed(old) | {"drawn_as": "..."}
    {'job': None, 'identity': {'weights': 'w'}, 'unsupported': None, 'drawn_as': '...'}
    """
    payload, identity = cell["payload"], cell["identity"]
    assert isinstance(payload, Mapping)
    assert isinstance(identity, Mapping)
    whole = isinstance(payload.get("model"), Mapping) and isinstance(payload.get("task"), Mapping)
    return {
        "job": dict(payload) if whole else None,
        "identity": _without_defaults(identity),
        "unsupported": cell["unsupported"],
        "drawn_as": content_hash(dict(identity)),
    }


def id_of(cell: Json) -> str:
    """Compute the id of a renewed cell."""
    return content_hash(cell["identity"])


def terms_of(cell: Json) -> str:
    """Extract the terms of a renewed cell, which its summaries hold."""
    identity = cell["identity"]
    assert isinstance(identity, Mapping)
    return content_hash({key: value for key, value in identity.items() if key not in NOT_TERMS})


def _without_defaults(identity: Json) -> dict[str, object]:
    parts = {
        key: _changed(value, PARTS[key]) if key in PARTS and isinstance(value, Mapping) else value
        for key, value in identity.items()
    }
    return _changed(parts, WHOLE)


def _changed(values: Json, defaults: Json) -> dict[str, object]:
    return {key: value for key, value in values.items() if key not in defaults or value != defaults[key]}
