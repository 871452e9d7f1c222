"""Laptops for the tests of the terminal."""

import pytest

from minik8s.laptop import Laptop


@pytest.fixture
def make_laptop():
    """Makes laptops and ends their jobs afterwards."""
    made = []

    def make(**options):
        laptop = Laptop(**options)
        made.append(laptop)
        return laptop

    yield make
    for laptop in made:
        laptop.close()


@pytest.fixture
def laptop(make_laptop):
    return make_laptop()
