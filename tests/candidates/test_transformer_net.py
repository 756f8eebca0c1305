from pathlib import Path

import pytest
import torch

from bench.candidates.network import NetConfig, TransformerNet, positions


def make_net(labels: tuple[str, ...] = ("a", "b")) -> TransformerNet:
    torch.manual_seed(3)
    return TransformerNet(NetConfig(50, d_model=32, heads=4, d_ff=48, max_length=40, labels=labels)).eval()


def padded() -> tuple[torch.Tensor, torch.Tensor]:
    source = torch.tensor([[5, 6, 7, 8, 1], [9, 4, 1, 0, 0]])
    return source, source != 0


@torch.inference_mode()
def test_cached_decoding_equals_the_full_pass() -> None:
    net = make_net()
    source, mask = padded()
    target = torch.tensor([[2, 11, 12, 13, 14, 15], [2, 21, 22, 23, 24, 25]])
    full = net(source, mask, target)
    caches = net.open_caches(source, mask)
    for position in range(target.shape[1]):
        step = net.step(target[:, position], position, caches, mask)
        torch.testing.assert_close(step, full[:, position], rtol=1e-5, atol=1e-5)


@torch.inference_mode()
def test_padding_of_the_source_changes_nothing() -> None:
    net = make_net()
    source, mask = padded()
    target = torch.tensor([[2, 30, 31]])
    alone = net(source[1:, :3], mask[1:, :3], target)
    together = net(source, mask, target.repeat(2, 1))[1:]
    torch.testing.assert_close(alone, together, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(
        net.classify(source[1:, :3], mask[1:, :3]), net.classify(source, mask)[1:], rtol=1e-5, atol=1e-5
    )


@torch.inference_mode()
def test_a_later_target_token_does_not_change_an_earlier_position() -> None:
    net = make_net()
    source, mask = padded()
    first = net(source, mask, torch.tensor([[2, 11, 12], [2, 11, 12]]))
    second = net(source, mask, torch.tensor([[2, 11, 40], [2, 11, 41]]))
    torch.testing.assert_close(first[:, :2], second[:, :2])
    assert not torch.allclose(first[:, 2], second[:, 2])


@torch.inference_mode()
def test_padding_of_the_target_is_hidden_by_its_mask() -> None:
    net = make_net()
    source, mask = padded()
    target = torch.tensor([[2, 11, 12, 0], [2, 11, 0, 0]])
    masked = net(source, mask, target, target != 0)
    torch.testing.assert_close(masked[1, :2], net(source[1:], mask[1:], target[1:, :2])[0], rtol=1e-5, atol=1e-5)


def test_positions_by_hand() -> None:
    table = positions(3, 4)
    expected = [torch.sin(torch.tensor(2.0)), torch.cos(torch.tensor(2.0)), torch.sin(torch.tensor(0.02))]
    torch.testing.assert_close(table[2, :3], torch.stack(expected))


def test_saved_and_loaded_is_the_same(tmp_path: Path) -> None:
    net = make_net()
    net.save(tmp_path)
    again = TransformerNet.load(tmp_path)
    assert again.config == net.config
    source, mask = padded()
    with torch.inference_mode():
        assert torch.equal(again.classify(source, mask), net.classify(source, mask))


def test_no_head_no_classification() -> None:
    with pytest.raises(ValueError, match="no classification head"):
        make_net(labels=()).classify(*padded())


def test_a_foreign_config_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(ValueError, match="bench-transformer"):
        TransformerNet.load(tmp_path)
