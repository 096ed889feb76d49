"""The service killed in the middle of a review, as a power cut would: the next start goes on with it."""

from __future__ import annotations

import signal
import time

import httpx
import pytest
from test_recovery import Process
from test_reviews import card, many  # noqa: F401 - a fixture

# Twenty batches: seconds of work, of which the middle is seen.
CALLS = 4_000
WAIT_S = 240
NAMES = ("results.jsonl", "summary.json", "calls.csv", "hits.csv")


@pytest.fixture
def start(book, tmp_path):
    """A factory of services over one data folder; what still runs is killed after the test."""
    started = []

    def begin():
        started.append(Process(book, tmp_path / "state"))
        return started[-1]

    yield begin
    for each in started:
        if each.process.poll() is None:
            each.kill()


class Client:
    """Speaks to a process with the key of the first one."""

    def __init__(self, process, key=""):
        self.key = key or process.key
        self._url = process.url

    def ask(self, method, path, **options):
        """Send a request."""
        return httpx.request(
            method,
            self._url + path,
            headers={"Authorization": f"Bearer {self.key}"},
            timeout=30,
            trust_env=False,
            # Its context would cost more than the request.
            verify=False,
            **options,
        )

    def upload(self):
        """Send the calls; return the id of the review."""
        files = [("files", ("十月.jsonl", many(CALLS)))]
        return self.ask("POST", "/v1/reviews", files=files).json()["id"]

    def files(self, review_id):
        """Fetch the files of a finished review."""
        return {name: self.ask("GET", f"/v1/reviews/{review_id}/{name}").content for name in NAMES}

    def until(self, review_id, holds):
        """Wait until something is true of the review; return it."""
        deadline = time.monotonic() + WAIT_S
        while not holds(told := self.ask("GET", f"/v1/reviews/{review_id}").json()):
            assert told["state"] in {"queued", "running"}, told
            assert time.monotonic() < deadline, told
            time.sleep(0.02)
        return told


def is_finished(told):
    """Whether the review has ended well."""
    return told["state"] == "finished"


def is_midway(told):
    """Whether something is done and something is left."""
    return bool(told["progress"]) and 0 < told["progress"]["done"] < 1


@pytest.fixture(scope="module")
def undisturbed():
    """The files of a review that nobody ended; filled by the first test, whose service makes it."""
    return {}


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_review_outlives_its_service(start, undisturbed, how):
    """Killed or stopped midway; after the restart it finishes with the results of an undisturbed one."""
    first = start()
    client = Client(first)
    review_id = client.upload()
    client.until(review_id, is_midway)
    first.kill(how)
    second = start()
    client = Client(second, client.key)
    resumed = client.until(review_id, lambda told: bool(told["progress"]) or is_finished(told))
    # What was done is not done again; on a quick machine it may be over before anybody asks.
    assert is_finished(resumed) or resumed["progress"]["calls"] > 0
    told = client.until(review_id, is_finished)
    assert told["summary"]["calls"] == CALLS
    if not undisturbed:
        other = client.upload()
        client.until(other, is_finished)
        undisturbed |= client.files(other)
    for name, content in client.files(review_id).items():
        assert content == undisturbed[name], name
