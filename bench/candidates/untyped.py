"""Names for what the libraries of models do not type: networks, tokenizers and options, which differ by model.

mypy cannot check what is done with them; the tests with real checkpoints do.
"""

from __future__ import annotations

from typing import Any, TypeAlias

Network: TypeAlias = Any
"""A `torch.nn.Module` of transformers or of a user, with the methods and the configuration of its own class."""
Tokenizer: TypeAlias = Any
"""A tokenizer of transformers."""
Loader: TypeAlias = Any
"""A class of transformers with `from_pretrained`, or a configuration's constructor."""
Tensors: TypeAlias = Any
"""What a tokenizer pads: tensors by name, which moves to a device."""
KeyValues: TypeAlias = Any
"""A key and value cache of transformers."""
Options: TypeAlias = dict[str, Any]
"""Keyword arguments of a library's function."""
Json: TypeAlias = dict[str, Any]
"""A JSON object that a library wrote."""
