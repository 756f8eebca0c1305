"""Names for what the libraries of models type badly: networks, tokenizers and options, which differ by model.

Where a library has a class for it, the name stands for that class. `Network`, `Loader`, `KeyValues`, `Options` and
`Json` cannot have one: each network and each configuration has the attributes of its own class, and mypy cannot check
what is done with them; the tests with real checkpoints do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedTokenizerBase

Network: TypeAlias = Any
"""A `torch.nn.Module` of transformers or of a user, with the methods and the configuration of its own class."""
Tokenizer: TypeAlias = "PreTrainedTokenizerBase"
"""A tokenizer of transformers."""
Loader: TypeAlias = Any
"""A class of transformers with `from_pretrained`, or a configuration's constructor."""
Tensors: TypeAlias = dict[str, "Tensor"]
"""What a tokenizer pads: tensors by name."""
KeyValues: TypeAlias = Any
"""A key and value cache of transformers: its layers have buffers of their own classes."""
Options: TypeAlias = dict[str, Any]
"""Keyword arguments of a library's function."""
Json: TypeAlias = dict[str, Any]
"""A JSON object that a library wrote."""
