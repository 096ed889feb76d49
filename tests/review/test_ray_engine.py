"""The same review over a Ray cluster on this machine."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from coach.review.run import run_review
from tests.review.test_run import files, many

if TYPE_CHECKING:
    from tests.review.center import Center

RUN = """
import sys
from pathlib import Path
from coach.review.run import run_review
from tests.review.center import Center
center = Center(Path(sys.argv[1]))
outcome = run_review([center.calls], center.root / "ray", setup=center.setup(), engine="ray", workers=2)
assert outcome.finished
"""


@pytest.mark.slow
def test_ray_writes_the_same_files(center: Center) -> None:
    """Slices over a cluster: byte for byte what one process writes. A process of its own: Ray leaves threads."""
    pytest.importorskip("ray")
    many(center)
    run_review([center.calls], center.out, setup=center.setup(), workers=1)
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(center.root)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert files(center.root / "ray") == files(center.out)


def test_without_ray_the_extra_is_named(center: Center, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for Ray without having it is told what to install."""
    from coach.errors import ConfigError

    monkeypatch.setitem(sys.modules, "ray", None)
    many(center, 2)
    with pytest.raises(ConfigError, match=r"pip install 'coach\[ray\]'"):
        run_review([center.calls], center.out, setup=center.setup(), engine="ray")
