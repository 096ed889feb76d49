"""A center of its own for every test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.review.center import Center, make_center

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def center(tmp_path: Path) -> Center:
    """Return a center without calls."""
    return make_center(tmp_path)
