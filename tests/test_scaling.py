"""docs/scaling.md says what the arithmetic says."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from pathlib import Path

from benchmarks.sizing import SEATS, Costs, needs, report

PAGE = (Path(__file__).parent.parent / "docs" / "scaling.md").read_text("utf-8")


def test_the_page_has_the_table_of_the_program():
    """Nobody has to trust a number that was typed."""
    assert report(SEATS, Costs()) in PAGE


def test_the_page_names_every_number_that_goes_in():
    """Each with its value, and whether it was measured."""
    for each in fields(Costs):
        found = re.search(rf"^\| `{each.name}` \| ([\d.,]+) \| (\w+)", PAGE, re.MULTILINE)
        assert found, each.name
        assert float(found[1].replace(",", "")) == each.default, each.name
        assert found[2] in {"measured", "assumed", "arithmetic", "chosen"}, each.name


def test_a_small_center_needs_neither_workers_nor_bus():
    """One process, until half of a core is busy with it."""
    assert (needs(100, Costs()).workers, needs(100, Costs()).valkeys) == (1, 0)
    assert needs(100, replace(Costs(), alone_us=6000)).workers > 1


def test_what_is_twice_as_large_needs_twice_as_much():
    """Everything that is counted by event or call grows in line; memory has a part that is shared."""
    one, two = needs(10_000, Costs()), needs(20_000, Costs())
    for name in ("calls", "events", "valkey_cores", "finals", "disk_gb_a_day", "megabits_down"):
        assert getattr(two, name) == 2 * getattr(one, name)
    assert one.memory_gb < two.memory_gb < 2 * one.memory_gb
