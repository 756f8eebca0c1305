"""Turns what transformers raises while it loads into one sentence with a remedy.

The Hub's own library decides about tokens (`HF_TOKEN`), caches (`HF_HOME`) and offline mode
(`HF_HUB_OFFLINE`); bench only names them.
"""

from __future__ import annotations

import contextlib
import pickle
import struct
from collections.abc import Iterator
from pathlib import Path

from safetensors import SafetensorError

from bench.candidates.checkpoint import config_of, locate
from bench.errors import BenchError, EnvironmentLackError, HubError
from bench.host.hub import cache_if_unreachable, chain_of, unserved
from bench.suite import ModelSpec

LOAD_ERRORS = (
    OSError,
    ValueError,
    LookupError,
    RuntimeError,
    TypeError,
    AttributeError,
    AssertionError,
    EOFError,
    RecursionError,
    SafetensorError,
    pickle.UnpicklingError,
    struct.error,
)
"""What reading a damaged or foreign checkpoint was seen to raise in transformers, tokenizers, safetensors, torch."""


@contextlib.contextmanager
def explain_load_errors(spec: ModelSpec) -> Iterator[None]:
    """Re-raises a loading error as a `BenchError` that says what failed, for which model, and what to do.

    Raises:
        HubError: the Hub did not serve the files.
        EnvironmentLackError: the files are there but cannot be read here.
    """
    is_local = locate(str(spec.checkpoint), Path()).folder is not None
    try:
        with contextlib.nullcontext() if is_local else cache_if_unreachable():
            yield
    except BenchError:
        raise
    except ImportError as error:
        raise EnvironmentLackError(
            f"model '{spec.name}': {_first_line(error)}; install the package that it names"
        ) from error
    except LOAD_ERRORS as error:
        raise _explained(spec, error, is_local) from error


def _explained(spec: ModelSpec, error: Exception, is_local: bool) -> BenchError:
    text = " ".join(str(link) for link in chain_of(error))
    where = f"model '{spec.name}': '{spec.checkpoint}'" + (f" at revision '{spec.revision}'" if spec.revision else "")
    if "trust_remote_code" in text and not spec.trust_remote_code:
        return EnvironmentLackError(
            f"{where}: its own code must run to load it; read that, then set 'trust_remote_code: true' for the model"
        )
    refused = None if is_local else unserved(where, error, "'checkpoint'")
    if refused is not None:
        return refused
    if "Unrecognized configuration class" in text and is_local:
        return EnvironmentLackError(
            f"{where}: its config.json is of a '{_model_type(spec)}', which the family '{spec.family}' does not load; "
            "name another family (`bench ls models`)"
        )
    if "instantiate the backend tokenizer" in text or "Can't load tokenizer" in text:
        return EnvironmentLackError(
            f"{where}: holds no tokenizer that can be read; save it there with `tokenizer.save_pretrained`"
        )
    if "safetensors" in text.lower() and (
        "HeaderTooLarge" in text or "incomplete" in text or "deserializ" in text.lower()
    ):
        return HubError(
            f"{where}: the weight file is damaged or cut short ({_first_line(error)}); delete it and load again"
        )
    if "safetensors" in text.lower():
        folder = locate(str(spec.checkpoint), Path()).folder
        if folder is not None and not any(folder.glob("*.bin")):
            return EnvironmentLackError(f"{where}: the folder holds no weights (no *.safetensors); check the path")
        return EnvironmentLackError(f"{where}: no safetensors weights; set 'allow_pickle: true' if you trust the file")
    return EnvironmentLackError(f"{where}: cannot be loaded: {_first_line(error)}")


def _model_type(spec: ModelSpec) -> str:
    config = config_of(spec.checkpoint, spec.subfolder) or {}
    return str(config.get("model_type", "network of an unknown kind"))


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
