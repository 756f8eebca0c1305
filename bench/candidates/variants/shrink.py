"""Structured pruning: whole layers, attention heads and neurons are taken out, and the network is smaller and faster.

The parts are found by the names that the usual networks give them, and each is only cut where the shapes agree. What is
left computes exactly what the whole network would with the other parts at zero. Weights choose (Li et al., "Pruning
Filters for Efficient ConvNets", 2017, for neurons and heads); layers are thinned evenly between the first and the last
(Sanh et al., "DistilBERT", 2019, begin so). Nothing is trained here: `fit: {shrink: …}` recovers what that costs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from bench.candidates.untyped import Network
from bench.candidates.variants.reach import is_conv1d
from bench.errors import UnsupportedError
from bench.suite.shrinking import ShrinkSpec

FEED_FORWARD = (
    (("gate_proj", "up_proj"), "down_proj"),
    (("wi_0", "wi_1"), "wo"),
    (("wi",), "wo"),
    (("c_fc",), "c_proj"),
    (("fc1",), "fc2"),
    (("fc_in",), "fc_out"),
    (("lin1",), "lin2"),
    (("linear1",), "linear2"),
    (("dense_h_to_4h",), "dense_4h_to_h"),
    (("intermediate.dense",), "output.dense"),
)
"""Names of the layers before and behind the neurons of a feed-forward part: Llama, T5 (gated and not), GPT-2, BART and
OPT, GPT-J, DistilBERT, torch's own, NeoX, BERT."""
ATTENTION = (
    (("self.query", "self.key", "self.value"), "output.dense", "self"),
    (("q_proj", "k_proj", "v_proj"), "o_proj", ""),
)
"""Names of the layers before and behind the heads, and of the module that knows their width: BERT, Llama."""
WIDTHS = ("attention_head_size", "head_dim")
COUNTS = ("num_hidden_layers", "n_layer", "num_layers", "num_decoder_layers", "encoder_layers", "decoder_layers")
"""Keys of configurations that count layers."""
SIZES = ("intermediate_size", "n_inner", "d_ff", "encoder_ffn_dim", "decoder_ffn_dim", "ffn_dim", "hidden_dim")
"""Keys that count neurons."""
STEP = 8
"""Neurons are kept in multiples of so many, which is what products are fast with."""


@dataclass(frozen=True, slots=True)
class Cut:
    """How many of a kind of parts there were, and how many are left."""

    before: int
    after: int


def shrink(module: Network, spec: ShrinkSpec) -> tuple[Network, dict[str, object]]:
    """Take parts out of a network, in place.

    Returns:
        The network, and for the record how many parts of each kind it had and has, and its parameters.

    Raises:
        UnsupportedError: the network has no parts of a kind that are known here.
    """
    before = _parameters(module)
    steps = {"layers": _thin, "heads": _behead, "neurons": _narrow}
    cuts: dict[str, Cut] = {}
    with torch.no_grad():
        for name, share in spec.shares.items():
            cut = steps[name](module, share)
            if not cut.before:
                raise UnsupportedError(
                    f"no {name} of this network ({type(module).__name__}) are known here; leave 'shrink: {{{name}: "
                    f"{share:g}}}' out"
                )
            cuts[name] = cut
    note = {name: [cut.before, cut.after] for name, cut in cuts.items()}
    return module, {"variant_shrunk": {**note, "parameters": [before, _parameters(module)]}}


def _parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _kept(count: int, share: float, step: int = 1) -> int:
    """Count the parts that stay: at least one, in multiples of `step` where there are enough."""
    left = count * (1 - share)
    return max(round(left / step) * step, step) if count > step else max(round(left), 1)


# --- layers ---


def _thin(module: Network, share: float) -> Cut:
    """Take layers out of every stack."""
    before = after = 0
    counts: dict[int, int] = {}
    for parent, name, stack in list(_stacks(module)):
        left = _kept(len(stack), share)
        places = [round(place * (len(stack) - 1) / max(left - 1, 1)) for place in range(left)]
        before, after = before + len(stack), after + left
        counts[len(stack)] = left
        setattr(parent, name, nn.ModuleList(stack[place] for place in places))
        _renumber(getattr(parent, name))
        _shorten_types(module, parent, places, len(stack))
        if isinstance(getattr(parent, "num_layers", None), int):
            parent.num_layers = left
    _reconfigure(module, COUNTS, counts)
    return Cut(before, after)


def _stacks(module: nn.Module) -> Iterator[tuple[Network, str, nn.ModuleList]]:
    """Yield the lists of layers of one class that lie in no other such list, each with its owner and name."""
    inside: set[int] = set()
    for parent in module.modules():
        if id(parent) in inside:
            continue
        for name, child in parent.named_children():
            if not isinstance(child, nn.ModuleList) or len(child) < 2 or len({type(part) for part in child}) > 1:
                continue
            inside.update(id(part) for part in child.modules())
            yield parent, name, child


def _renumber(stack: nn.ModuleList) -> None:
    """Give the layers of a stack the places that they have now: caches are kept by them."""
    for place, layer in enumerate(stack):
        for part in layer.modules():
            if isinstance(getattr(part, "layer_idx", None), int):
                part.layer_idx = place  # type: ignore[assignment]  # a number in transformers' layers


def _shorten_types(module: Network, parent: Network, places: Sequence[int], count: int) -> None:
    """Keep of a configuration's kinds of layers those of the layers that stay."""
    for config in _configs(module, parent):
        types = getattr(config, "layer_types", None)
        if isinstance(types, list) and len(types) == count:
            config.layer_types = [types[place] for place in places]


def _configs(*modules: Network) -> list[Network]:
    """List the configurations of transformers that networks have, each once."""
    found = {id(config): config for part in modules if hasattr(config := getattr(part, "config", None), "to_diff_dict")}
    return list(found.values())


def _reconfigure(module: nn.Module, keys: Sequence[str], sizes: Mapping[int, int]) -> None:
    """Write new sizes over the old ones in the configurations of a network and its parts, so that it can be saved."""
    for config in _configs(*module.modules()):
        values = {key: getattr(config, key, None) for key in keys}
        for key, value in values.items():
            if type(value) is int and value in sizes and not _is_alias(config, key):
                setattr(config, key, sizes[value])


def _is_alias(config: Network, key: str) -> bool:
    """Tell whether a key of a configuration is another name for one that is set already."""
    return key in (getattr(config, "attribute_map", None) or {})


# --- neurons ---


def _narrow(module: Network, share: float) -> Cut:
    """Take the weakest neurons out of every feed-forward part."""
    before = after = 0
    sizes: dict[int, int] = {}
    for inner, outer in _parts(module, FEED_FORWARD):
        count = _outputs(inner[0])
        if any(_outputs(layer) != count for layer in inner) or _inputs(outer) != count:
            continue
        strength = torch.stack([_row_norms(layer) for layer in inner]).sum(0) * _column_norms(outer)
        left = _kept(count, share, STEP)
        keep = strength.topk(left).indices.sort().values
        for layer in inner:
            _keep_outputs(layer, keep)
        _keep_inputs(outer, keep)
        before, after = before + count, after + left
        sizes[count] = left
    _reconfigure(module, SIZES, sizes)
    _name_inner(module, sizes)
    return Cut(before, after)


def _name_inner(module: Network, sizes: Mapping[int, int]) -> None:
    """Say how many neurons there are in a configuration that leaves it open (GPT-2's `n_inner`)."""
    for config in _configs(module):
        if getattr(config, "n_inner", 0) is None and len(sizes) == 1:
            config.n_inner = next(iter(sizes.values()))


def _parts(module: nn.Module, names: Sequence[tuple[tuple[str, ...], str]]) -> Iterator[tuple[list[Network], Network]]:
    """Yield the layers before and behind, of every part of a network that has them all under one set of names."""
    for part in module.modules():
        for before, behind in names:
            layers = [_find(part, name) for name in (*before, behind)]
            if all(layer is not None for layer in layers):
                yield layers[:-1], layers[-1]
                break


def _find(part: nn.Module, path: str) -> Network | None:
    """Find a linear layer below a part of a network; None where there is none of that name."""
    found: Network = part
    for name in path.split("."):
        found = getattr(found, name, None)
    return found if isinstance(found, nn.Linear) or (isinstance(found, nn.Module) and is_conv1d(found)) else None


# --- heads ---


def _behead(module: Network, share: float) -> Cut:
    """Take the weakest heads out of every attention."""
    before = after = 0
    for part in list(module.modules()):
        cut = _behead_fused(part, share) or _behead_apart(part, share)
        if cut is not None:
            before, after = before + cut.before, after + cut.after
    return Cut(before, after)


def _behead_apart(part: Network, share: float) -> Cut | None:
    """Cut an attention whose queries, keys and values are three layers; heads that share keys go together."""
    for names, behind, owner in ATTENTION:
        layers = [_find(part, name) for name in (*names, behind)]
        holder = getattr(part, owner, None) if owner else part
        width = next((size for name in WIDTHS if isinstance(size := getattr(holder, name, None), int)), None)
        if width is None or any(layer is None for layer in layers):
            continue
        query, key, value, out = layers
        groups = _outputs(key) // width
        shared = _outputs(query) // _outputs(key)
        strength = _row_norms(value).view(groups, width).sum(1) * _column_norms(out).view(groups, -1).sum(1)
        left = _kept(groups, share)
        keep = strength.topk(left).indices.sort().values
        _keep_outputs(key, _spans(keep, width))
        _keep_outputs(value, _spans(keep, width))
        _keep_outputs(query, _spans(keep, width * shared))
        _keep_inputs(out, _spans(keep, width * shared))
        for name, count in (("num_attention_heads", left * shared), ("all_head_size", left * shared * width)):
            if hasattr(holder, name):
                setattr(holder, name, count)
        return Cut(groups * shared, left * shared)
    return None


def _behead_fused(part: Network, share: float) -> Cut | None:
    """Cut an attention of GPT-2, whose queries, keys and values are one layer."""
    fused, out = _find(part, "c_attn"), _find(part, "c_proj")
    heads, width = getattr(part, "num_heads", None), getattr(part, "head_dim", None)
    if not isinstance(heads, int) or not isinstance(width, int) or fused is None or out is None:
        return None
    if _outputs(fused) != 3 * heads * width:
        return None
    strength = _row_norms(fused).view(3, heads, width)[2].sum(1) * _column_norms(out).view(heads, width).sum(1)
    left = _kept(heads, share)
    keep = _spans(strength.topk(left).indices.sort().values, width)
    _keep_outputs(fused, torch.cat([keep + third * heads * width for third in range(3)]))
    _keep_inputs(out, keep)
    part.num_heads, part.split_size = left, left * width
    return Cut(heads, left)


def _spans(heads: torch.Tensor, width: int) -> torch.Tensor:
    """List the places of heads that are so wide."""
    return (heads.unsqueeze(1) * width + torch.arange(width, device=heads.device)).flatten()


# --- rows and columns of linear layers, whose weight a Conv1D has transposed ---


def _matrix(layer: Network) -> torch.Tensor:
    """The weight as `(outputs, inputs)`."""
    weight: torch.Tensor = layer.weight.T if is_conv1d(layer) else layer.weight
    return weight


def _outputs(layer: Network) -> int:
    return _matrix(layer).shape[0]


def _inputs(layer: Network) -> int:
    return _matrix(layer).shape[1]


def _row_norms(layer: Network) -> torch.Tensor:
    norms: torch.Tensor = torch.linalg.vector_norm(_matrix(layer).float(), dim=1)
    return norms


def _column_norms(layer: Network) -> torch.Tensor:
    norms: torch.Tensor = torch.linalg.vector_norm(_matrix(layer).float(), dim=0)
    return norms


def _keep_outputs(layer: Network, keep: torch.Tensor) -> None:
    _set(layer, _matrix(layer)[keep])
    if layer.bias is not None:
        layer.bias = nn.Parameter(layer.bias[keep].clone())


def _keep_inputs(layer: Network, keep: torch.Tensor) -> None:
    _set(layer, _matrix(layer)[:, keep])


def _set(layer: Network, matrix: torch.Tensor) -> None:
    """Put another weight of shape `(outputs, inputs)` into a layer."""
    if is_conv1d(layer):
        layer.weight, layer.nx, layer.nf = nn.Parameter(matrix.T.contiguous()), matrix.shape[1], matrix.shape[0]
    else:
        layer.weight = nn.Parameter(matrix.contiguous())
        layer.out_features, layer.in_features = matrix.shape
