"""Inputs of a table, and the networks that take them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from goodfit.data.columns import read_column
from goodfit.data.row_facts import describe_columns, inputs_of
from goodfit.models.tabular import NETS, PiecewiseLinear, build_tabular
from goodfit.models.tabular_inputs import KNOWN, MISSING, UNKNOWN, Inputs


def made(columns: dict[str, list[Any]]) -> tuple[Inputs, dict[str, Any]]:
    """Inputs of these training cells, and the columns."""
    read = {name: read_column(cells) for name, cells in columns.items()}
    described = describe_columns(read)
    return Inputs(facts={"columns": described, "inputs": inputs_of(read, described)}), read


CELLS: dict[str, list[Any]] = {
    "age": [20, 30, 40, None] * 10,
    "job": ["clerk", "smith", None, "clerk"] * 10,
    "day": [f"2024-0{1 + i % 3}-1{i % 4}" for i in range(40)],
}


def test_cells_become_numbers_codes_and_marks() -> None:
    inputs, columns = made(CELLS)
    rows = inputs.encode(columns)
    assert inputs.names == ["age", "day.seconds", "day.month", "day.weekday", "job"]
    assert np.isnan(rows.numbers[3, 0])
    assert rows.codes[:4, 0].tolist() == [KNOWN, KNOWN + 1, MISSING, KNOWN]
    packed = inputs.packed(rows)
    assert packed.shape == (40, inputs.width) == (40, 6)
    age, mark = packed[:, 0], packed[:, 4]
    assert mark[:4].tolist() == [0, 0, 0, 1]
    assert age[3] == pytest.approx(age[1])  # the median, 30
    assert age[:3].mean() == pytest.approx(0, abs=1e-6)


def test_unknown_categories_and_wild_numbers_are_answered_calmly() -> None:
    inputs, _ = made(CELLS)
    new = {"age": read_column([1e140], "number"), "job": read_column(["astronaut"]), "day": read_column([None])}
    rows = inputs.encode(new)
    assert rows.codes[0, 0] == UNKNOWN
    assert np.isfinite(inputs.packed(rows)).all()
    assert inputs.packed(rows)[0, 0] == 8.0


def test_an_absent_column_is_missing_throughout() -> None:
    inputs, columns = made(CELLS)
    rows = inputs.encode({"day": columns["day"]})
    assert np.isnan(rows.numbers[:, 0]).all()
    assert (rows.codes == MISSING).all()


def test_piecewise_linear_parts_are_how_far_a_number_lies_in_each_bin() -> None:
    layer = PiecewiseLinear([np.array([0.0, 1.0, 3.0]), np.array([0.0, 1.0])], 2)
    with torch.no_grad():
        layer.weight.copy_(torch.eye(2).expand(2, 2, 2))
        layer.bias.zero_()
    out = layer(torch.tensor([[0.5, 0.25], [2.0, -9.0], [99.0, 99.0]]))
    expected = [[[0.5, 0.0], [0.25, 0.0]], [[1.0, 0.5], [0.0, 0.0]], [[1.0, 1.0], [1.0, 0.0]]]
    torch.testing.assert_close(out, torch.tensor(expected))


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("cells", [CELLS, {"age": CELLS["age"]}, {"job": CELLS["job"]}])
def test_network_answers_each_row_and_sends_gradients_to_every_parameter(
    name: str, cells: dict[str, list[Any]]
) -> None:
    torch.manual_seed(0)
    inputs, _ = made(cells)
    net = build_tabular(name, inputs, 3, 16, 2, 0.0)
    out = net(torch.from_numpy(inputs.packed(inputs.made_up(8))))
    assert out.shape == (8, 3)
    out.square().sum().backward()
    used = {key: p for key, p in net.named_parameters() if p.numel()}
    idle = [key for key, p in used.items() if p.grad is None or not torch.isfinite(p.grad).all()]
    assert idle == []


@pytest.mark.parametrize("name", NETS)
def test_network_answers_a_row_alike_alone_and_among_others(name: str) -> None:
    torch.manual_seed(0)
    inputs, columns = made(CELLS)
    net = build_tabular(name, inputs, 2, 16, 2, 0.0).eval()
    x = torch.from_numpy(inputs.packed(inputs.encode(columns)))
    torch.testing.assert_close(net(x)[5:6], net(x[5:6]), rtol=1e-4, atol=1e-5)
