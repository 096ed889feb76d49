"""Where something stands in a TOML file."""

from __future__ import annotations

import pytest

from coach.service.toml_places import TomlPlaces

TEXT = '''\
# [no.table]
[bank]
name = "x"   # name = "y"
"origins" = [
  "https://a = b",
]
note = """
[shop]
packs = []
"""
[ bank . quotas ]
max_calls = 1

["shop"]
quotas = {max_calls = 0}
connectors.url = ""
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("bank",), 2),
        (("bank", "name"), 3),
        (("bank", "origins"), 4),
        (("bank", "origins", "0"), 4),
        (("bank", "packs"), 2),
        (("bank", "quotas", "max_calls"), 12),
        (("shop",), 14),
        (("shop", "quotas", "max_calls"), 15),
        (("shop", "connectors", "url"), 16),
        (("no", "table"), 0),
        ((), 0),
    ],
)
def test_a_path_has_the_line_where_it_is_said(path, line):
    """Or where what is around it is said; comments and texts of several lines say nothing."""
    assert TomlPlaces(TEXT).line(*path) == line
