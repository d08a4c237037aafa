"""Detectors of our own and of the library give answers of one form."""

from __future__ import annotations

import pytest
import torch

from goodfit.core.errors import RecipeError, UsageError
from goodfit.models.detector import DETECTORS, STRIDES, build_detector, points
from goodfit.models.found import MOST, found_boxes, suppress
from goodfit.models.torch_detectors import TORCH_DETECTORS, WORK, build_torch_detector

NETS = [*DETECTORS, "det/mobilenet_v2", "det/squeezenet1_1"]


@pytest.mark.parametrize("name", NETS)
def test_detector_answers_at_every_point_and_sends_gradients_back(name: str) -> None:
    torch.manual_seed(0)
    net, family = build_detector(name, 3)
    out = net({"pixels": torch.randn(2, 3, 96, 96)})
    assert family == "fcos"
    assert out.shape == (2, len(points(96)[0]), 7)
    assert bool((out[..., 2] > out[..., 0]).all())
    assert float(out[..., 4:].detach().sigmoid().mean()) == pytest.approx(0.01, abs=0.01)  # nothing is an object yet
    out.square().mean().backward()
    learned = [p for p in net.parameters() if p.requires_grad]
    assert all(p.grad is not None and bool(torch.isfinite(p.grad).all()) for p in learned)


def test_detectors_are_listed_from_few_to_many_parameters() -> None:
    sizes = [sum(p.numel() for p in build_detector(name, 2)[0].parameters()) for name in DETECTORS]
    assert sizes == sorted(sizes)


def test_networks_without_maps_and_unknown_names_are_refused() -> None:
    with pytest.raises(RecipeError, match="strides"):
        build_detector("det/vit_b_16", 2)
    with pytest.raises(UsageError, match="det_s"):
        build_detector("det_z", 2)


def test_sides_of_the_maps_follow_the_input() -> None:
    for side in (64, 160):
        count = sum((side // stride) ** 2 for stride in STRIDES)
        assert build_detector("det_xs", 1)[0](torch.zeros(1, 3, side, side)).shape[1] == count


def test_a_side_that_was_predicted_at_first_can_be_trained_at() -> None:
    net, _ = build_detector("det_xs", 1)
    points.cache_clear()
    with torch.inference_mode():
        net.eval()(torch.zeros(1, 3, 96, 96))
    net.train()(torch.zeros(2, 3, 96, 96)).square().mean().backward()
    assert all(p.grad is not None for p in net.parameters())


def test_found_boxes_are_sorted_in_pixels_of_the_picture_and_padded() -> None:
    outputs = torch.zeros(1, 3, 6)
    outputs[0, :, :4] = torch.tensor([[8.0, 8, 16, 16], [8, 8, 16.5, 16], [0, 0, 40, 32]])
    outputs[0, :, 4:] = torch.tensor([[2.0, -9], [1, -9], [-9, 3]])
    found = found_boxes(outputs, torch.tensor([[100.0, 200]]), 32)
    assert found.shape == (1, MOST, 6)
    assert found[0, :2, 0].tolist() == [1, 0]  # the double of class 0 is gone
    assert found[0, 0, 2:].tolist() == [0, 0, 200, 100]  # cut at the picture's edge
    assert found[0, 1, 2:].tolist() == [50, 25, 100, 50]
    assert (found[0, 2:] == -1).all()


def test_boxes_of_two_classes_do_not_suppress_each_other() -> None:
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 10, 10], [3, 3, 3, 9]])
    assert suppress(boxes, torch.tensor([0.5, 0.9, 0.99]), torch.tensor([0, 1, 0])).tolist() == [1, 0]


def test_every_library_detector_has_its_work_and_a_family_of_its_own() -> None:
    assert WORK.keys() == TORCH_DETECTORS.keys()
    assert len(set(TORCH_DETECTORS.values())) == len(TORCH_DETECTORS)


def test_a_library_detector_trains_by_its_own_loss_and_answers_in_our_form() -> None:
    torch.manual_seed(0)
    net, family = build_torch_detector("torchvision/ssdlite320_mobilenet_v3_large", 2, 96)
    target = torch.tensor([[[0.0, 10, 10, 60, 60, 0], [-1, 0, 0, 0, 0, 0]]]).repeat(2, 1, 1)
    net.train()
    loss = net({"pixels": torch.randn(2, 3, 96, 96), "target": target})
    assert (family, loss.shape) == ("ssd", (2,))
    loss.mean().backward()
    net.eval()
    with torch.no_grad():
        answer = net({"pixels": torch.randn(1, 3, 96, 96)})
    assert answer.shape == (1, MOST, 6)
    assert answer[..., 0].max() < 2
