"""Several real worker processes over a real Valkey: any of them takes any call, and may be killed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import httpx
import pytest
from cluster import Cluster
from valkey_server import Valkey
from websockets.exceptions import ConnectionClosed

from tests.conftest import write_scorecard

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="several workers need Linux")
pytest.importorskip("redis", reason="needs coach[cluster]")


@pytest.fixture(scope="module")
def shared_valkey(tmp_path_factory):
    """One server for the tests of this module that do not kill it."""
    server = Valkey(tmp_path_factory.mktemp("valkey")).start()
    yield server
    server.kill()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request):
    """The settings of each database in turn."""
    if request.param == "sqlite":
        return {}
    return {"database_url": request.getfixturevalue("postgresql").migrated()}


@pytest.fixture
def ends():
    """A factory of what connects to chosen workers; HTTP connections are closed after the test."""
    opened = []

    def make(cluster, clients):
        opened.append(Ends(cluster, clients))
        return opened[-1]

    yield make
    for each in opened:
        for client in each.requests:
            client.close()


@pytest.fixture
def start(book, tmp_path, shared_valkey):
    """A factory of clusters; what still runs is ended after the test."""
    started = []
    shared_valkey.say(b"FLUSHALL\r\n")

    def make(**options) -> Cluster:
        options.setdefault("redis_url", shared_valkey.url)
        started.append(Cluster(book, tmp_path / "state", **options))
        return started[-1]

    yield make
    for each in started:
        if each.process.poll() is None:
            each.stop(signal.SIGKILL)


class Ends:
    """Opens sockets at chosen workers."""

    def __init__(self, cluster, clients) -> None:
        self.cluster, self.clients = cluster, clients
        self.requests = []

    def _open(self, path, *, at, hello, authorised=False, retried=False):
        for _ in range(200):
            headers = {"Authorization": f"Bearer {self.cluster.key}"} if authorised else {}
            socket = self.clients.socket(self.cluster.url + path, additional_headers=headers)
            try:
                if at is None or self.cluster.holder(socket) == at:
                    if hello is not None:
                        socket.send(hello)
                    assert socket.next()["type"] == "ready"
                    return socket
            except (ConnectionClosed, OSError):
                # Those that reached another worker may count towards a quota a little longer than they are open.
                if not retried:
                    raise
            socket.close()
        raise AssertionError(f"no socket reached process {at}")

    def producer(self, *, at=None, retried=False):
        """Connect a producer; `retried`: also when some are refused on the way."""
        return self._open("/v1/ingest", at=at, hello=None, authorised=True, retried=retried)

    def sidebar(self, *, at=None, agent_id="a1", after=None):
        """Connect a sidebar."""
        hello = {"type": "hello", "token": self.cluster.token(agent_id)}
        if after is not None:
            hello["after"] = after
        return self._open(f"/v1/agents/{agent_id}/stream", at=at, hello=hello)

    def request(self, *, at):
        """Open an HTTP connection that stays at one worker."""
        for _ in range(200):
            client = httpx.Client(
                base_url=self.cluster.url,
                headers={"Authorization": f"Bearer {self.cluster.key}"},
                timeout=60,
                trust_env=False,
                verify=False,
            )
            client.get("/healthz").raise_for_status()
            connection = client._transport._pool.connections[0]._connection
            socket = connection._network_stream.get_extra_info("socket")
            wrapped = type("Wrapped", (), {"raw": type("Raw", (), {"socket": socket})})
            if self.cluster.holder(wrapped) == at:
                self.requests.append(client)
                return client
            client.close()
        raise AssertionError(f"no connection reached process {at}")


class Sidebar(threading.Thread):
    """Reads a sidebar's stream until the call has ended; comes back by its offset when cut off."""

    def __init__(self, ends, *, at=None) -> None:
        super().__init__(daemon=True)
        self.ends = ends
        self.socket = ends.sidebar(at=at)
        self.messages = []
        self.snapshots = 0
        self.offset = None
        self.failed = None

    def run(self):
        """Read."""
        try:
            while True:
                try:
                    message = self.socket.next()
                except ConnectionClosed:
                    self.socket = self.ends.cluster.until(self._again)
                    continue
                self.offset = message.get("offset", self.offset)
                self.messages.append(message)
                if message["type"] == "call.ended":
                    return
        except (OSError, TimeoutError, AssertionError) as error:
            self.failed = error

    def _again(self):
        try:
            return self.ends.sidebar(after=self.offset)
        except (OSError, AssertionError, httpx.HTTPError, ConnectionClosed):
            return None

    def done(self):
        """Wait for the end."""
        self.join(60)
        assert not self.is_alive(), self.messages[-5:]
        assert self.failed is None, self.failed
        return self.messages


def shown(messages):
    """Return the finals in the order in which a page that obeys snapshots came to show them, and how often."""
    finals = {}
    for message in messages:
        if message["type"] == "snapshot":
            held = (message["call"] or {}).get("transcript", [])
            finals = {
                each["utterance_id"]: finals.get(each["utterance_id"], 1) for each in held if each["final"]
            }
        elif message["type"] == "transcript" and message["final"]:
            finals[message["utterance_id"]] = finals.get(message["utterance_id"], 0) + 1
    return finals


def call(wire, finals, *, call_id="c1"):
    """The events of a call: each final after two partials, every tenth a fault."""
    events = [wire.started(call_id)]
    for index in range(finals):
        text = f"我不知道呢{index}" if index % 10 == 0 else f"这是第{index}句话"
        for length in (2, 4):
            events.append(
                wire.said(
                    text[:length],
                    call_id=call_id,
                    seq=len(events) + 1,
                    utterance_id=f"u{index}",
                    revision=length,
                    final=False,
                    at=index * 1000,
                )
            )
        events.append(
            wire.said(
                text,
                call_id=call_id,
                seq=len(events) + 1,
                utterance_id=f"u{index}",
                revision=9,
                at=index * 1000,
            )
        )
    events.append(wire.ended(call_id, seq=len(events) + 1, at_ms=finals * 1000))
    return events


class Producer:
    """Sends events and sends again what was not acked, wherever it lands."""

    def __init__(self, ends, *, at=None) -> None:
        self.ends = ends
        self.socket = ends.producer(at=at)
        self.acked = 0

    def send(self, events, *, until=None, each=None):
        """Send everything; return when it is acked up to `until` (default: all)."""
        until = until or events[-1]["seq"]
        sent = self.acked
        while self.acked < until:
            try:
                for event in events:
                    if sent < event["seq"] <= until:
                        self.socket.send(event)
                        sent = event["seq"]
                        if each is not None:
                            each(event)
                self._read(until)
            except ConnectionClosed:
                self.socket = self.ends.cluster.until(self._again)
                sent = self.acked

    def _read(self, until):
        while self.acked < until:
            message = self.socket.next()
            if message["type"] == "ack":
                self.acked = max(self.acked, message["seq"])
            else:
                assert message["type"] == "pressure", message

    def _again(self):
        try:
            return self.ends.producer()
        except (OSError, AssertionError, ConnectionClosed):
            return None


def test_more_workers_than_one_need_redis(book, tmp_path):
    """The refusal says what is missing."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COACH_")}
    done = subprocess.run(
        [sys.executable, "-m", "coach", "serve", "--workers", "2", "--data-dir", str(tmp_path / "state")],
        check=False,
        capture_output=True,
        text=True,
        env={**environment, "PYTHONIOENCODING": "utf-8"},
        timeout=60,
    )
    assert done.returncode == 2
    assert "COACH_REDIS_URL" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_sidebar_sees_a_call_of_another_worker_once_and_in_order(start, clients, wire, database, ends):
    """Every event of the call comes once, in the order in which it happened, cards included."""
    cluster = start(**database)
    at = ends(cluster, clients)
    one, two = cluster.workers
    sidebar = Sidebar(at, at=two)
    sidebar.start()
    Producer(at, at=one).send(call(wire, 40))
    messages = sidebar.done()
    assert [each["type"] for each in messages[:2]] == ["snapshot", "call.started"]
    assert len([each for each in messages if each["type"] == "snapshot"]) == 1
    finals = [each["utterance_id"] for each in messages if each["type"] == "transcript" and each["final"]]
    assert finals == [f"u{index}" for index in range(40)]
    cards = [each["id"] for each in messages if each["type"] == "advice"]
    assert len(cards) == len(set(cards))
    assert cards
    offsets = [tuple(map(int, each["offset"].split("-"))) for each in messages if "offset" in each]
    assert offsets == sorted(set(offsets))


def test_the_owner_killed_under_load_costs_the_sidebar_nothing(start, clients, wire, database, ends):
    """The producer goes on at another worker; the sidebar shows every utterance, and no card twice."""
    cluster = start(**database)
    at = ends(cluster, clients)
    one, two = cluster.workers
    sidebar = Sidebar(at, at=two)
    sidebar.start()
    events = call(wire, 60)

    def kill(event):
        if event["seq"] == 90 and one in cluster.workers:
            os.kill(one, signal.SIGKILL)

    Producer(at, at=one).send(events, each=kill)
    messages = sidebar.done()
    assert list(shown(messages)) == [f"u{index}" for index in range(60)]
    # What was told but not yet on disk when its worker died is told again, under its id: no page shows it twice.
    told = [each for each in messages if each["type"] == "transcript" and each["final"]]
    assert len({(each["utterance_id"], str(each["segments"])) for each in told}) == 60
    stored = cluster.http("GET", "/v1/calls/c1").json()
    assert [each["utterance_id"] for each in stored["utterances"]] == [f"u{index}" for index in range(60)]
    cards = {each["id"] for each in messages if each["type"] == "advice"}
    assert {each["id"] for each in stored["advice"]} <= cards
    assert len(stored["advice"]) == len({each["id"] for each in stored["advice"]})
    cluster.until(lambda: len(cluster.workers) == 2 and one not in cluster.workers)
    assert cluster.stop() == 0


def test_a_sidebar_whose_worker_is_killed_resumes_elsewhere(start, clients, wire, database, ends):
    """By its offset it gets just what it missed: nothing lost, nothing twice, no new snapshot."""
    cluster = start(**database)
    at = ends(cluster, clients)
    one, two = cluster.workers
    sidebar = Sidebar(at, at=two)
    sidebar.start()
    cluster.until(lambda: sidebar.messages)
    events = call(wire, 30)

    def kill(event):
        if event["seq"] == 30 and two in cluster.workers:
            os.kill(two, signal.SIGKILL)

    Producer(at, at=one).send(events, each=kill)
    messages = sidebar.done()
    assert len([each for each in messages if each["type"] == "snapshot"]) == 1
    finals = [each["utterance_id"] for each in messages if each["type"] == "transcript" and each["final"]]
    assert finals == [f"u{index}" for index in range(30)]


def shown_to_the_end(socket, utterance_id):
    """Read until a final and the end of its call were shown, each by its event or within a later snapshot."""
    shown = False
    while True:
        message = socket.next()
        if message["type"] == "transcript":
            shown |= message["utterance_id"] == utterance_id and message["final"]
        elif message["type"] == "snapshot" and message["call"]:
            said = message["call"]["transcript"]
            shown |= any(each["utterance_id"] == utterance_id and each["final"] for each in said)
        elif message["type"] in {"snapshot", "call.ended"}:
            # A snapshot after the end holds no call, and nobody was promised its last words then.
            assert shown or message["type"] == "snapshot"
            return


def test_redis_killed_in_the_middle_of_a_call(book, tmp_path, clients, wire, start, ends):
    """Nothing acked is lost, the calls go on, both sides are told, and afterwards everybody sees everything."""
    valkey = Valkey(tmp_path).start()
    try:
        cluster = start(redis_url=valkey.url)
        at = ends(cluster, clients)
        one, two = cluster.workers
        near, far = at.sidebar(at=one), at.sidebar(at=two)
        assert near.next()["type"] == far.next()["type"] == "snapshot"
        producer = Producer(at, at=one)
        events = call(wire, 30)
        producer.send(events, until=31)
        valkey.kill()
        for each in (near, far):
            assert each.until("degraded")["active"] is True
        producer.send(events, until=61)
        assert near.until("transcript", utterance_id="u19", final=True)
        assert cluster.http("GET", "/readyz").status_code == 200
        assert cluster.http("GET", "/readyz").json()["degraded"]
        valkey.start()
        for each in (near, far):
            assert each.until("degraded")["active"] is False
            snapshot = each.until("snapshot")
            assert len([said for said in snapshot["call"]["transcript"] if said["final"]]) == 20
        producer.send(events)
        for each in (near, far):
            shown_to_the_end(each, "u29")
        stored = cluster.http("GET", "/v1/calls/c1").json()
        assert len(stored["utterances"]) == 30
        log = cluster.log.read_text("utf-8")
        assert log.count("Redis 不可用") == 2
    finally:
        valkey.kill()


def test_batches_of_one_call_may_alternate_between_workers(start, clients, wire, database, ends):
    """Each batch is acked whole, wherever it lands; nobody has to send anything twice, and a sidebar sees all of it."""
    cluster = start(**database)
    at = ends(cluster, clients)
    sidebar = Sidebar(at)
    sidebar.start()
    connections = [at.request(at=pid) for pid in cluster.workers]
    events = call(wire, 20)
    # In fours: most end with partial words, which no other worker has heard.
    for index in range(0, len(events), 4):
        batch = events[index : index + 4]
        answer = connections[index // 4 % 2].post("/v1/calls/c1/events", json={"events": batch}).json()
        assert answer == {"acked": batch[-1]["seq"], "errors": []}
    messages = sidebar.done()
    assert list(shown(messages)) == [f"u{index}" for index in range(20)]


def test_what_an_agent_answers_reaches_the_owner(start, clients, wire, ends):
    """Feedback on a card that is not on disk yet, and a snooze, from a sidebar of another worker."""
    cluster = start()
    at = ends(cluster, clients)
    one, two = cluster.workers
    sidebar = at.sidebar(at=two)
    producer = at.producer(at=one)
    producer.send(wire.started(), wire.said("这个我不知道您去问别人吧", seq=2, final=False))
    card = sidebar.until("advice")
    sidebar.send({"type": "feedback", "advice_id": card["id"], "verdict": "useful"})
    assert sidebar.until("noted")["advice_id"] == card["id"]
    sidebar.send({"type": "snooze", "call_id": "c1", "rule": card["rule"]})
    assert sidebar.until("noted")["rule"] == card["rule"]
    producer.send(
        wire.said("这个我不知道您去问别人吧", seq=3, utterance_id="u2"),
        *(wire.said("我不知道", seq=seq, at=seq * 60_000) for seq in (4, 5, 6)),
        wire.ended(seq=7),
    )
    cards = []
    while (message := sidebar.next())["type"] != "call.ended":
        cards += [message["id"]] if message["type"] == "advice" else []
    assert set(cards) <= {card["id"]}
    sidebar.send({"type": "snooze", "call_id": "nobody", "rule": "x/y"})
    assert sidebar.until("error")["code"] == "unknown_call"


def test_the_metrics_of_all_workers_add_up(start, clients, wire, ends):
    """Whichever worker is asked, every worker's numbers are there."""
    cluster = start()
    at = ends(cluster, clients)
    one, two = cluster.workers
    for index, pid in enumerate((one, two)):
        producer = at.producer(at=pid)
        producer.send(*call(wire, 3, call_id=f"c{index}"))
        producer.acked(f"c{index}", 11)
    text = cluster.http("GET", "/metrics").text
    counts = re.findall(r'coach_events_total\{type="utterance",worker="(\d)"\} (\S+)', text)
    assert sorted(counts) == [("1", "9.0"), ("2", "9.0")]
    assert "coach_workers 2.0" in text
    assert "coach_workers_up 2.0" in text
    os.kill(two, signal.SIGKILL)
    cluster.until(
        lambda: 'coach_worker_restarts_total{worker="2"} 1.0' in cluster.http("GET", "/metrics").text
    )


def test_workers_do_not_outlive_their_parent(start):
    """A parent that is killed takes its workers with it, and the folder is free again."""
    cluster = start()
    workers = cluster.workers
    cluster.stop(signal.SIGKILL)
    cluster.until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))
    again = start(key=cluster.key)
    assert again.http("GET", "/v1/calls").status_code == 200


def test_a_second_service_over_the_same_folder_is_refused(start, book, tmp_path, shared_valkey):
    """The parent holds the lock for all its workers."""
    start()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COACH_")}
    done = subprocess.run(
        [
            *(sys.executable, "-m", "coach", "serve", "--workers", "2", "--port", "0"),
            *("--data-dir", str(tmp_path / "state"), "--rules", str(book / "rules")),
            *("--phrasebook", str(book / "phrasebook")),
        ],
        check=False,
        capture_output=True,
        text=True,
        env={**environment, "COACH_REDIS_URL": shared_valkey.url, "PYTHONIOENCODING": "utf-8"},
        timeout=60,
    )
    assert done.returncode == 2
    assert "data_dir" in done.stderr


TRANSCRIPT = "call_id,speaker,text,start,end\n" + "".join(
    f"c{call},{speaker},{text},{turn},{turn}.9\n"
    for call in range(30)
    for turn, (speaker, text) in enumerate(
        [("客服", "您好请讲"), ("客户", "怎么退款"), ("客服", "这个我不知道")]
    )
)


@pytest.fixture
def card(book):
    """A scorecard that knows the tests' rules."""
    write_scorecard(book / "rules")


def _review(connection, review_id):
    return connection.get(f"/v1/reviews/{review_id}").json()


@pytest.mark.parametrize("number", [0, 1])
def test_reviews_belong_to_all_workers(start, clients, ends, card, number):
    """Uploaded at either, run by one, followed, downloaded and deleted at the other."""
    cluster = start()
    at = ends(cluster, clients)
    one, other = (at.request(at=cluster.workers[place]) for place in (number, 1 - number))
    sent = one.post("/v1/reviews", files={"files": ("calls.csv", TRANSCRIPT.encode())})
    assert sent.status_code == 201, sent.text
    review_id = sent.json()["id"]
    assert review_id in [each["id"] for each in other.get("/v1/reviews").json()["reviews"]]
    socket = clients.socket(f"{cluster.url}/v1/reviews/{review_id}/progress")
    socket.send({"type": "hello", "token": cluster.key})
    assert socket.next()["type"] == "ready"
    while (state := socket.next(30))["state"] not in {"finished", "failed"}:
        pass
    assert (state["state"], state["summary"]["calls"]) == ("finished", 30)
    # The other reads it from the files, a moment later.
    cluster.until(lambda: _review(other, review_id)["state"] == "finished")
    link = one.post(f"/v1/reviews/{review_id}/links", json={"file": "report.html"}).json()["url"]
    assert httpx.get(cluster.url + link, trust_env=False).status_code == 200
    assert (
        httpx.get(cluster.url + link.replace("report.html", "hits.csv"), trust_env=False).status_code == 401
    )
    assert other.get(f"/v1/reviews/{review_id}/results").text.count("\n") == 30
    assert other.delete(f"/v1/reviews/{review_id}").status_code == 204
    assert one.get(f"/v1/reviews/{review_id}").status_code == 404


def test_a_review_goes_on_at_another_worker(start, clients, ends, card):
    """The worker that runs it is killed; it is finished all the same, and may be started by whoever does not run it."""
    cluster = start()
    at = ends(cluster, clients)
    one, two = cluster.workers
    connection = at.request(at=two)
    fields = {"start": "false"}
    sent = connection.post("/v1/reviews", data=fields, files={"files": ("calls.csv", TRANSCRIPT.encode())})
    review_id = sent.json()["id"]
    cluster.until(lambda: _review(connection, review_id)["look"] is not None)
    started = connection.post(f"/v1/reviews/{review_id}/start")
    assert started.status_code == 200, started.text
    assert started.json()["state"] in {"queued", "running", "finished"}
    os.kill(one, signal.SIGKILL)
    cluster.until(lambda: _review(connection, review_id)["state"] == "finished")
    assert connection.post(f"/v1/reviews/{review_id}/start").status_code == 409


def test_changed_rules_reach_every_worker(start, clients, wire, book, ends):
    """A rule saved while they run speaks at each of them, and is noted once."""
    cluster = start()
    at = ends(cluster, clients)
    connections = [at.request(at=pid) for pid in cluster.workers]
    file = book / "rules" / "hedging.yml"
    file.write_text(
        file.read_text("utf-8").replace("(是|会)", "(是|会|能)").replace("应该会", "应该能"), "utf-8"
    )

    def found():
        answers = [each.post("/v1/check", json={"text": "明天应该能到"}).json() for each in connections]
        return all(answer["hits"] for answer in answers)

    cluster.until(found)

    def noted():
        return connections[0].get("/v1/audit", params={"action": "rules-reloaded"}).json()["entries"]

    cluster.until(noted)
    assert len(noted()) == 1


def test_a_changed_tenant_is_noted_once(start, clients, tmp_path, ends):
    """Every worker reads the file; whichever does so first notes what it changed."""
    cluster = start()
    at = ends(cluster, clients)
    connections = [at.request(at=pid) for pid in cluster.workers]
    file = tmp_path / "state" / "tenants.toml"

    def noted():
        entries = connections[0].get("/v1/audit", params={"action": "tenants-changed"}).json()["entries"]
        return [each["details"] for each in entries]

    def in_force(origin):
        pages = [each.get("/sidebar") for each in connections]
        return all(origin in page.headers["content-security-policy"] for page in pages)

    for count in (1, 2, 3):
        origin = f"https://crm-{count}.example"
        part = file.with_suffix(".part")
        part.write_text(f"[default]\norigins = ['{origin}']\n", "utf-8")
        part.replace(file)
        cluster.until(partial(in_force, origin))
    cluster.until(lambda: len(noted()) >= count)
    assert noted() == [{"changed": {"default": ["origins"]}}] * count


def test_a_killed_worker_comes_back_with_the_tenants_of_its_sibling(start, clients, tmp_path, ends):
    """Even while the file is wrong: what was in force at all of them since the start is in force at the new one."""
    cluster = start()
    at = ends(cluster, clients)
    one, two = cluster.workers
    connections = [at.request(at=pid) for pid in (one, two)]
    file = tmp_path / "state" / "tenants.toml"

    def write(text):
        part = file.with_suffix(".part")
        part.write_text(text, "utf-8")
        part.replace(file)

    def policies():
        return [each.get("/sidebar").headers["content-security-policy"] for each in connections]

    write("[default]\norigins = ['https://crm.example']\n")
    cluster.until(lambda: all("https://crm.example" in policy for policy in policies()))
    write("[default\n")
    cluster.until(lambda: all(each.get("/healthz").json()["tenants"]["problem"] for each in connections))
    os.kill(two, signal.SIGKILL)
    (new,) = cluster.until(lambda: len(cluster.workers) == 2 and set(cluster.workers) - {one, two})

    def reached():
        # Until it serves, its sibling answers.
        try:
            return at.request(at=new)
        except AssertionError:
            return None

    page = cluster.until(reached).get("/sidebar")
    assert "https://crm.example" in page.headers["content-security-policy"]
