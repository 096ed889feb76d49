"""The same batches over a Ray cluster, for those who outgrow one machine. Needs `pip install 'coach[ray]'`.

Sources, rules and the output directory must lie on storage that every node sees under the same path.
"""

from __future__ import annotations

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

from coach.errors import CoachError, ConfigError
from coach.review.batch import finished_tally, review_batch
from coach.review.pool import TICK_S
from coach.review.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from coach.review.batch import Batch
    from coach.review.setup import ReviewSetup


class _Worker:
    """One actor: loads the rules once, then does batch after batch."""

    def __init__(self, setup: ReviewSetup, folder: Path) -> None:
        self._setup = setup
        self._folder = folder
        self._judge = setup.judge()

    def digest(self) -> str:
        """Return the digest of the rules this node has loaded."""
        return self._judge.digest

    def work(self, batch: Batch) -> dict[str, Any]:
        """Review one batch; its lines go into the folder, its counts travel back."""
        tally = review_batch(
            batch, judge=self._judge, setup=self._setup, folder=self._folder, stopping=lambda: False
        )
        return tally.as_dict()


def on_ray(
    batches: Sequence[Batch],
    *,
    setup: ReviewSetup,
    digest: str,
    folder: Path,
    stopping: Callable[[], bool],
    workers: int,
    address: str = "",
) -> Iterator[Tally | None]:
    """Review the batches on a cluster.

    Args:
        digest: of the rules, as this machine has them; a node that has others is refused.
        workers: actors; 0: one for each CPU of the cluster.
        address: of the cluster; "" starts one on this machine.

    Yields:
        The tally of each batch as it is done, in any order; None now and then while waiting.

    Raises:
        ConfigError: Ray is not installed, the cluster cannot be reached, or a node sees other files.
        CoachError: a node was lost.
    """
    try:
        # By name: Ray is an optional extra, and its types say little.
        ray = import_module("ray")
    except ImportError as error:
        raise ConfigError("--engine ray 需要 Ray；请安装：pip install 'coach[ray]'") from error
    own = not ray.is_initialized()
    if own:
        _connect(ray, address, workers)
    try:
        count = min(workers or int(ray.cluster_resources().get("CPU", 1)), len(batches))
        remote = ray.remote(num_cpus=1)(_Worker)
        actors = [remote.remote(setup, folder.resolve()) for _ in range(count)]
        for seen in ray.get([actor.digest.remote() for actor in actors]):
            if seen != digest:
                raise ConfigError(
                    f"集群里有节点的规则是 {seen}，本机是 {digest}；规则目录要放在各节点都能看到的存储上"
                )
        yield from _drive(ray, actors, batches, folder, stopping)
    except ray.exceptions.RayError as error:
        raise CoachError(
            f"Ray 集群上的工作中断：{_first_line(error)}。做完的都已保存，用同一条命令接着做"
        ) from error
    finally:
        if own:
            ray.shutdown()


def _connect(ray: Any, address: str, workers: int) -> None:  # noqa: ANN401 - Ray brings no types to rely on
    try:
        ray.init(
            address=address or None,
            num_cpus=workers or None if not address else None,
            include_dashboard=False if not address else None,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except (ConnectionError, OSError, RuntimeError, ValueError) as error:
        where = address or "本机"
        raise ConfigError(f"连不上 Ray 集群（{where}）：{_first_line(error)}") from error


def _drive(
    ray: Any,  # noqa: ANN401 - Ray brings no types to rely on
    actors: Sequence[Any],
    batches: Sequence[Batch],
    folder: Path,
    stopping: Callable[[], bool],
) -> Iterator[Tally | None]:
    """Keep two batches at each actor, so that none waits for this loop."""
    todo = iter(batches)
    busy: dict[Any, Any] = {}
    for actor in (*actors, *actors):
        if (batch := next(todo, None)) is not None:
            busy[actor.work.remote(batch)] = actor
    while busy and not stopping():
        done, _ = ray.wait(list(busy), timeout=TICK_S)
        if not done:
            yield None
        for reference in done:
            actor = busy.pop(reference)
            tally = Tally.from_dict(ray.get(reference))
            if finished_tally(folder, tally.index) is None:
                raise ConfigError(f"节点写的结果在 {folder} 里看不到；--out 要放在各节点都能看到的存储上")
            if (batch := next(todo, None)) is not None:
                busy[actor.work.remote(batch)] = actor
            yield tally


def _first_line(error: BaseException) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
