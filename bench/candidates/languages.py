"""From which language and into which an encoder-decoder translates, where one checkpoint knows several.

`options: {src_lang, tgt_lang}` are the codes of the checkpoint's own tokenizer (mBART `de_DE`, M2M100 `de`, NLLB
`deu_Latn`); `options: {prefix}` is text before every input (T5's instruction, Marian's `>>deu<<`).
"""

from __future__ import annotations

from collections.abc import Iterable

from bench.candidates.untyped import Loader, Options
from bench.errors import UnsupportedError, nearest
from bench.suite import ModelSpec

OPTIONS = ("src_lang", "tgt_lang", "prefix")
"""Options of a seq2seq model."""
STARTING = ("MBartTokenizer", "MBartTokenizerFast")
"""Tokenizers of models whose decoder starts with the language's token; elsewhere it is the first token that is
written."""


def set_languages(spec: ModelSpec, tokenizer: Loader) -> Options:
    """Tell a tokenizer the source's language; return what `generate` must be told of the target's.

    Returns:
        `forced_bos_token_id` or `decoder_start_token_id`; empty without a target language.

    Raises:
        UnsupportedError: the tokenizer knows no languages, or not this one.
    """
    source, target = spec.options.get("src_lang"), spec.options.get("tgt_lang")
    if source is not None:
        _language_id(spec, tokenizer, "src_lang", str(source))
        tokenizer.src_lang = str(source)
    if target is None:
        return {}
    token = _language_id(spec, tokenizer, "tgt_lang", str(target))
    starts = type(tokenizer).__name__ in STARTING
    return {"decoder_start_token_id" if starts else "forced_bos_token_id": token}


def _language_id(spec: ModelSpec, tokenizer: Loader, key: str, code: str) -> int:
    """Look up the token of a language."""
    if not hasattr(tokenizer, "src_lang"):
        raise UnsupportedError(
            f"model '{spec.name}': its tokenizer ({type(tokenizer).__name__}) has no languages, so that 'options: "
            f"{{{key}: {code}}}' means nothing; leave it out, or write the language into 'options: {{prefix: …}}'"
        )
    known = _codes(tokenizer)
    if code not in known:
        raise UnsupportedError(
            f"model '{spec.name}': its tokenizer has no language '{code}' ('options: {{{key}: …}}'); "
            f"{nearest(code, known)}"
        )
    return known[code]


def _codes(tokenizer: Loader) -> dict[str, int]:
    """List the languages of a tokenizer with their tokens."""
    tokens: dict[str, str] | None = getattr(tokenizer, "lang_code_to_token", None)
    if tokens is not None:
        return {code: int(tokenizer.get_lang_id(code)) for code in tokens}
    ids: dict[str, int] | None = getattr(tokenizer, "lang_code_to_id", None)
    names: Iterable[str] = ids if ids is not None else tokenizer.all_special_tokens
    known = {str(name): tokenizer.convert_tokens_to_ids(str(name)) for name in names}
    return {name: int(token) for name, token in known.items() if token is not None and token != tokenizer.unk_token_id}


def option_mistakes(spec: ModelSpec) -> list[tuple[str, str]]:
    """List what is wrong with the options of an encoder-decoder, each with its key."""
    wrong = [
        ("options", f"'{name}' is no option of a {spec.family}; {nearest(name, OPTIONS)}")
        for name in spec.options
        if name not in OPTIONS
    ]
    wrong += [
        ("options", f"'{name}' should be text") for name in OPTIONS if not isinstance(spec.options.get(name, ""), str)
    ]
    languages = [name for name in ("src_lang", "tgt_lang") if name in spec.options]
    if languages and spec.fit is not None:
        wrong.append(
            ("options", f"'{languages[0]}' is not trained with; train the model elsewhere, and give its checkpoint")
        )
    settings = spec.generation
    if "tgt_lang" in spec.options and settings is not None and settings.forced_bos_token_id is not None:
        wrong.append(
            ("options", "'tgt_lang' and 'generation: {forced_bos_token_id: …}' both say how an answer begins; give one")
        )
    return wrong
