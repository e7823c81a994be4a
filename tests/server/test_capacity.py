"""How many connections follow from how many file descriptors."""

import sys

import pytest

from encore.server.capacity import Capacity


@pytest.mark.parametrize(
    ("descriptors", "connections"),
    [(64, 32), (256, 192), (1_024, 896), (20_000, 17_500), (1_048_576, 32_768)],
)
def test_capacity_keeps_descriptors_for_other_files(descriptors: int, connections: int) -> None:
    assert Capacity.of(descriptors).connections == connections


def test_capacity_without_a_limit_is_bounded() -> None:
    assert Capacity.of(sys.maxsize) == Capacity(32_768, 4_096)


def test_backlog_is_no_longer_than_there_are_connections() -> None:
    assert Capacity.of(256).backlog == 192
