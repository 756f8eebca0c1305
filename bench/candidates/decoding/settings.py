"""Which settings of a checkpoint's `generation_config.json` are followed, with what the suite puts over them.

A setting that changes the next token is a part of the model as it was published, and is followed. Sampling, beams and
lengths are the suite's to ask for; what the checkpoint asks for beside that is noted, so that a doubt can say so.
"""

from __future__ import annotations

from functools import cache

from bench.candidates.huggingface import HuggingFaceModel
from bench.candidates.untyped import Loader, Options
from bench.suite.prompting import SAMPLED

PROCESSORS = (
    "repetition_penalty",
    "encoder_repetition_penalty",
    "no_repeat_ngram_size",
    "encoder_no_repeat_ngram_size",
    "bad_words_ids",
    "suppress_tokens",
    "begin_suppress_tokens",
    "forced_bos_token_id",  # the language that a translator writes
    "forced_eos_token_id",
    "sequence_bias",
    "min_length",
    "min_new_tokens",
    "exponential_decay_length_penalty",
    "remove_invalid_values",
)
"""Settings of a checkpoint's `generation_config.json` that change which token is the next under greedy search. They are
part of the model as it was published: a translator that must not write its padding token, a language it begins with."""
READS_SOURCE = ("encoder_repetition_penalty", "encoder_no_repeat_ngram_size")
"""Those that look at the tokens of the prompt of an encoder-decoder, its padding too."""
READS_PROMPT = (*READS_SOURCE, "repetition_penalty", "no_repeat_ngram_size", "min_length")
"""Those that look at the prompt's tokens, or count them, where prompt and output are one text."""
SAMPLING = ("do_sample", "temperature", "top_k", "top_p", "min_p", "typical_p", "epsilon_cutoff", "eta_cutoff", "top_h")
"""Settings that only sampling reads; here decoding is deterministic."""
OWN = (
    "max_length",
    "max_new_tokens",
    "num_beams",
    "length_penalty",
    "early_stopping",
    "use_cache",
    "num_return_sequences",
)
"""Settings that the suite decides, or that change no text."""
TOKENS = ("bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id")


def asked_processors(model: HuggingFaceModel) -> Options:
    """Collect the settings of `PROCESSORS` that the checkpoint or the suite asks for; the suite's win."""
    neutral, values = _neutral(), _in_force(model, PROCESSORS)
    return {name: value for name, value in values.items() if value != neutral.get(name) and value != []}


def asks_for_processors(model: HuggingFaceModel) -> bool:
    """Tell whether something else than the likeliest token may be the next."""
    return bool(asked_processors(model)) or samples(model)


def samples(model: HuggingFaceModel) -> bool:
    """Tell whether tokens are drawn, as the suite asks."""
    return model.spec.generation is not None and bool(model.spec.generation.do_sample)


def asked_sampling(model: HuggingFaceModel) -> Options:
    """Collect the temperature and the cuts with which tokens are drawn: the suite's, else the checkpoint's."""
    values = _stored(model, SAMPLED)
    if model.spec.generation is not None:
        given = {name: getattr(model.spec.generation, name) for name in SAMPLED}
        values |= {name: value for name, value in given.items() if value is not None}
    return values


def _in_force(model: HuggingFaceModel, names: tuple[str, ...]) -> Options:
    """Look up settings: the checkpoint's, the suite's over them, and over both the language that it names."""
    own = {name: getattr(model.spec.generation, name, None) for name in names}
    begins = {name: value for name, value in model.begins.items() if name in names}
    return {**_stored(model, names), **{name: value for name, value in own.items() if value is not None}, **begins}


def _stored(model: HuggingFaceModel, names: tuple[str, ...]) -> Options:
    """Look up settings of the checkpoint, unless the suite wants none of them."""
    if model.spec.generation is not None and not model.spec.generation.checkpoint:
        return {}
    stored = model.module.generation_config
    values = {name: getattr(stored, name, None) for name in names}
    return {name: value for name, value in values.items() if value is not None}


def settings_note(model: HuggingFaceModel) -> dict[str, object]:
    """Note for the record what the checkpoint asks for, and what is done.

    `asked`: what its file has that is not transformers' default; `followed`: settings that change which token is the
    next, whoever asks for them; `sampling`: temperature and cuts of the draws, None without them.
    """
    neutral = _neutral()
    stored = model.module.generation_config.to_diff_dict()
    names = {*PROCESSORS, *SAMPLING, *OWN} - {"use_cache", "num_return_sequences"}
    asked = {
        name: value
        for name, value in sorted(stored.items())
        if name in names and value not in (None, []) and value != neutral.get(name)
    }
    sampling = asked_sampling(model) if samples(model) else None
    return {"asked": asked, "followed": asked_processors(model), "sampling": sampling}


def left_out_settings(model: HuggingFaceModel) -> list[str]:
    """List the settings of the checkpoint that change answers and are not followed, sampling apart, sorted."""
    if model.spec.generation is not None and not model.spec.generation.checkpoint:
        return []
    followed = {*PROCESSORS, *SAMPLING, *OWN, *TOKENS, "transformers_version"}
    neutral = _neutral()
    stored = model.module.generation_config.to_diff_dict()
    return sorted(
        name
        for name, value in stored.items()
        if name not in followed
        and not name.startswith(("_", "output_", "return_"))
        and value not in (None, False)
        and value != neutral.get(name)
    )


def task_settings(model: HuggingFaceModel) -> dict[str, dict[str, object]]:
    """Look up what the checkpoint's `config.json` asks for on certain tasks (`task_specific_params`), by their names.

    Lengths and beams are the suite's, and what is in force already, whoever asks for it, is left out; a prefix is not:
    whether the prompt has it is not known here.
    """
    if model.spec.generation is not None and not model.spec.generation.checkpoint:
        return {}
    stored = getattr(model.module.config, "task_specific_params", None)
    asked: dict[str, dict[str, object]] = {}
    for task, settings in stored.items() if isinstance(stored, dict) else ():
        if isinstance(settings, dict):
            names = [name for name in settings if name in ("prefix", *PROCESSORS)]
            in_force = {**_neutral(), **_in_force(model, tuple(names))}
            asked[str(task)] = {name: settings[name] for name in names if settings[name] != in_force.get(name)}
    return {task: settings for task, settings in asked.items() if settings}


@cache
def _neutral() -> Options:
    """Look up the values at which a setting does nothing, which are transformers' defaults."""
    from transformers import GenerationConfig

    maker: Loader = GenerationConfig
    defaults: Options = {**maker().to_dict(), "repetition_penalty": 1.0, "encoder_repetition_penalty": 1.0}
    zero = ("no_repeat_ngram_size", "encoder_no_repeat_ngram_size", "min_length", "min_new_tokens")
    beams = {"num_beams": 1, "length_penalty": 1.0, "max_length": 20, "do_sample": False}
    return defaults | dict.fromkeys(zero, 0) | {"remove_invalid_values": False} | beams
