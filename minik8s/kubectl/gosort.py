"""Sorting as Go's `sort.Sort` does it: not stable, so equal items may change places.

kubectl sorts events with it. To print them in the same order, this does the same comparisons and
swaps: pattern-defeating quicksort, with insertion sort for short stretches and heap sort where
the pivots are bad.

Vocabulary: a *stretch* is the items from `low` up to, but not including, `high`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

_T = TypeVar("_T")
Less = Callable[[int, int], bool]
"""Whether what stands at one place comes before what stands at another."""

_SHORT = 12
"""Up to so many items are sorted by insertion."""
_MIDDLING = 50
_STEPS = 5
_ALL_SWAPPED = 12
_WORD = (1 << 64) - 1


def go_sorted(items: Sequence[_T], key: Callable[[_T], Any]) -> list[_T]:
    """The items in the order in which `sort.Sort` leaves them.

    >>> go_sorted([3, 1, 2], key=lambda number: number)
    [1, 2, 3]
    """
    keys = [key(item) for item in items]
    return [items[at] for at in sorted_places(len(items), lambda a, b: keys[a] < keys[b])]


def sorted_places(count: int, less: Less) -> list[int]:
    """The places 0, 1, ... in the order in which `sort.Sort` leaves what stands there."""
    sorter = _Sorter(list(range(count)), less)
    sorter.quick(0, count, count.bit_length())
    return sorter.places


class _Sorter:
    def __init__(self, places: list[int], less: Less) -> None:
        self.places = places
        self._less_at = less

    def _less(self, one: int, other: int) -> bool:
        return self._less_at(self.places[one], self.places[other])

    def _swap(self, one: int, other: int) -> None:
        places = self.places
        places[one], places[other] = places[other], places[one]

    def quick(self, low: int, high: int, patience: int) -> None:
        """Sort a stretch; `patience` is how many bad pivots are borne."""
        balanced = partitioned = True
        while high - low > _SHORT:
            if patience == 0:
                self._heap(low, high)
                return
            if not balanced:
                self._shuffle(low, high)
                patience -= 1
            pivot, swaps = self._pivot(low, high)
            if swaps == _ALL_SWAPPED:
                self._reverse(low, high)
                pivot, swaps = high - 1 - (pivot - low), 0
            if balanced and partitioned and swaps == 0 and self._nearly_sorted(low, high):
                return
            if low > 0 and not self._less(low - 1, pivot):
                low = self._split_equal(low, high, pivot)
                continue
            middle, partitioned = self._split(low, high, pivot)
            least = (high - low) // 8
            left, right = middle - low, high - middle
            balanced = min(left, right) >= least
            if left < right:
                self.quick(low, middle, patience)
                low = middle + 1
            else:
                self.quick(middle + 1, high, patience)
                high = middle
        self._insert(low, high)

    def _insert(self, low: int, high: int) -> None:
        for place in range(low + 1, high):
            while place > low and self._less(place, place - 1):
                self._swap(place, place - 1)
                place -= 1

    # -- choosing a pivot

    def _pivot(self, low: int, high: int) -> tuple[int, int]:
        """A good pivot's place, and how many of the items looked at were out of order."""
        size, swaps = high - low, [0]
        quarter = size // 4
        one, two, three = low + quarter, low + quarter * 2, low + quarter * 3
        if size >= _MIDDLING:
            one, two, three = (self._median(at - 1, at, at + 1, swaps) for at in (one, two, three))
        return self._median(one, two, three, swaps), swaps[0]

    def _median(self, one: int, two: int, three: int, swaps: list[int]) -> int:
        one, two = self._ordered(one, two, swaps)
        two, three = self._ordered(two, three, swaps)
        return self._ordered(one, two, swaps)[1]

    def _ordered(self, one: int, two: int, swaps: list[int]) -> tuple[int, int]:
        if self._less(two, one):
            swaps[0] += 1
            return two, one
        return one, two

    # -- splitting a stretch

    def _split(self, low: int, high: int, pivot: int) -> tuple[int, bool]:
        """Put what is less than the pivot before it; also whether it was so already."""
        self._swap(low, pivot)
        left, right, already = low + 1, high - 1, True
        while True:
            while left <= right and self._less(left, low):
                left += 1
            while left <= right and not self._less(right, low):
                right -= 1
            if left > right:
                self._swap(right, low)
                return right, already
            already = False
            self._swap(left, right)
            left, right = left + 1, right - 1

    def _split_equal(self, low: int, high: int, pivot: int) -> int:
        """Put what equals the pivot (nothing is less) first; where the rest begins."""
        self._swap(low, pivot)
        left, right = low + 1, high - 1
        while True:
            while left <= right and not self._less(low, left):
                left += 1
            while left <= right and self._less(low, right):
                right -= 1
            if left > right:
                return left
            self._swap(left, right)
            left, right = left + 1, right - 1

    # -- stretches with a pattern

    def _nearly_sorted(self, low: int, high: int) -> bool:
        """Sort a stretch in which few items are out of place; False if there are too many."""
        place = low + 1
        for _ in range(_STEPS):
            while place < high and not self._less(place, place - 1):
                place += 1
            if place == high:
                return True
            if high - low < _MIDDLING:
                return False
            self._swap(place, place - 1)
            if place - low >= 2:
                back = place - 1
                while back >= 1 and self._less(back, back - 1):
                    self._swap(back, back - 1)
                    back -= 1
            if high - place >= 2:
                ahead = place + 1
                while ahead < high and self._less(ahead, ahead - 1):
                    self._swap(ahead, ahead - 1)
                    ahead += 1
        return False

    def _reverse(self, low: int, high: int) -> None:
        for step in range((high - low) // 2):
            self._swap(low + step, high - 1 - step)

    def _shuffle(self, low: int, high: int) -> None:
        """Break a pattern that makes pivots bad, by three swaps from a fixed sequence."""
        size = high - low
        seed, mask = size, (1 << size.bit_length()) - 1
        middle = low + size // 4 * 2 - 1
        for step in range(3):
            seed ^= seed << 13 & _WORD
            seed ^= seed >> 7
            seed ^= seed << 17 & _WORD
            other = seed & mask
            if other >= size:
                other -= size
            self._swap(middle + step, low + other)

    def _heap(self, low: int, high: int) -> None:
        size = high - low
        for root in range((size - 1) // 2, -1, -1):
            self._sift(low, root, size)
        for last in range(size - 1, -1, -1):
            self._swap(low, low + last)
            self._sift(low, 0, last)

    def _sift(self, low: int, root: int, size: int) -> None:
        while (child := 2 * root + 1) < size:
            if child + 1 < size and self._less(low + child, low + child + 1):
                child += 1
            if not self._less(low + root, low + child):
                return
            self._swap(low + root, low + child)
            root = child
