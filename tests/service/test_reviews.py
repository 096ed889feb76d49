"""Reviews over the API, against a real service and its real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import pytest

from tests.conftest import write_scorecard

AGENT = "客服：您好，请讲\n客户：怎么退订\n客服：这个我不知道\n客户：那好吧\n"
CALL = {
    "id": "c-1",
    "agent_id": "1001",
    "team": "一组",
    "turns": [
        {"speaker": "customer", "text": "明天能到吗", "start_ms": 0, "end_ms": 900},
        {"speaker": "agent", "text": "应该会到，我的手机号是13812345678", "start_ms": 1000, "end_ms": 2500},
    ],
}
LINES = "".join(json.dumps({**CALL, "id": f"c-{number}"}, ensure_ascii=False) + "\n" for number in range(5))
UNNAMED = "SPEAKER_00：您好，请讲\nSPEAKER_01：怎么退订\nSPEAKER_00：我不知道\n"
WAIT_S = 60


@pytest.fixture(autouse=True)
def card(book):
    """A scorecard that knows the tests' rules."""
    write_scorecard(book / "rules")


def upload(service, files, **fields):
    """Send files by name; fields may be lists."""
    return service.http(
        "POST",
        "/v1/reviews",
        files=[("files", (name, body, "application/octet-stream")) for name, body in files.items()],
        data=fields,
    )


def until(service, review_id, *states):
    """Wait until a review is in one of the states; return it."""
    deadline = time.monotonic() + WAIT_S
    while (told := service.http("GET", f"/v1/reviews/{review_id}").json())["state"] not in states:
        assert told["state"] not in {"failed", "finished", "cancelled"}, told
        assert time.monotonic() < deadline, told
        time.sleep(0.05)
    return told


def finished(service, files, **fields):
    """Upload files and wait for the end of their review."""
    answer = upload(service, files, **fields)
    assert answer.status_code == 201, answer.text
    return until(service, answer.json()["id"], "finished")


def test_an_upload_gives_what_the_command_gives(running, book, tmp_path):
    """The same bytes of results, rejects and CSV as `coach review` over the same files."""
    files = {"十月.jsonl": LINES + '{"id": broken\n', "对话.txt": AGENT}
    service = running()
    told = finished(service, files)
    folder = tmp_path / "same"
    folder.mkdir()
    for name, body in files.items():
        (folder / name).write_text(body, "utf-8")
    subprocess.run(
        [
            *(sys.executable, "-m", "coach", "review", *files, "--out", str(tmp_path / "out")),
            *("--rules", str(book / "rules"), "--phrasebook", str(book / "phrasebook")),
        ],
        cwd=folder,
        env={**os.environ, "XDG_CONFIG_HOME": str(tmp_path / "config")},
        capture_output=True,
        check=True,
    )
    assert told["summary"]["calls"] == 6
    assert told["summary"]["rejects"] == 1
    for name in ("results.jsonl", "rejects.jsonl", "summary.json", "calls.csv", "hits.csv"):
        answer = service.http("GET", f"/v1/reviews/{told['id']}/{name}")
        assert (name, answer.content) == (name, (tmp_path / "out" / name).read_bytes())


def many(count):
    """Lines of that many calls, enough for several batches from some thousands on."""
    return "".join(
        json.dumps({**CALL, "id": f"m-{number}"}, ensure_ascii=False) + "\n" for number in range(count)
    )


def test_speakers_that_nobody_named_are_shown_and_mapped(running):
    """Received, looked at, then started with the choice: the same review, judged."""
    service = running()
    told = upload(service, {"编号.txt": UNNAMED}, start="false").json()
    assert (told["state"], told["look"]) == ("received", None)
    deadline = time.monotonic() + WAIT_S
    while told["look"] is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
        told = service.http("GET", f"/v1/reviews/{told['id']}").json()
    seen = told["look"][0]
    assert (seen["file"], seen["format"], seen["calls"], seen["rejects"]) == ("编号.txt", "text", 0, 1)
    assert seen["labels"] == [
        {"label": "SPEAKER_00", "asks": "agent", "says": ["您好，请讲", "我不知道"]},
        {"label": "SPEAKER_01", "asks": "agent", "says": ["怎么退订"]},
    ]
    body = {"agent_is": ["SPEAKER_00"], "anonymous": False}
    service.http("POST", f"/v1/reviews/{told['id']}/start", json=body)
    summary = until(service, told["id"], "finished")["summary"]
    assert (summary["calls"], summary["rejects"], summary["categories"]) == (1, 0, {"ignorance": 1})


def test_results_are_paged(running):
    """Each page leads to the next one; together they are results.jsonl."""
    service = running()
    told = finished(service, {"十月.jsonl": LINES})
    path, pages = f"/v1/reviews/{told['id']}/results?limit=2", []
    while path:
        answer = service.http("GET", path)
        pages.append(answer.content)
        path = answer.links.get("next", {}).get("url")
    assert [page.count(b"\n") for page in pages] == [2, 2, 1]
    whole = service.http("GET", f"/v1/reviews/{told['id']}/results.jsonl").content
    assert b"".join(pages) == whole
    wrong = service.http("GET", f"/v1/reviews/{told['id']}/results?cursor=7")
    assert (wrong.status_code, wrong.json()["error"]["field"]) == (422, "cursor")


def test_the_uploaded_words_are_deleted_once_reviewed(running, tmp_path):
    """Results are masked, and the transcripts as they came are gone from the disk."""
    service = running()
    told = finished(service, {"十月.jsonl": LINES})
    folder = tmp_path / "state" / "reviews" / told["id"]
    deadline = time.monotonic() + WAIT_S
    while (folder / "in").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    holding = [
        file.name for file in folder.rglob("*") if file.is_file() and b"13812345678" in file.read_bytes()
    ]
    assert holding == []


def test_the_socket_tells_until_the_end(running, clients):
    """The first message is the state now, the last one the end; then the socket closes with 1000."""
    service = running()
    told = upload(service, {"十月.jsonl": many(300)}).json()
    socket = clients.socket(f"{service.url}/v1/reviews/{told['id']}/progress")
    socket.send({"type": "hello", "token": service.key})
    assert socket.next() == {"type": "ready", "role": "reviewer"}
    states = []
    while not states or states[-1]["state"] != "finished":
        states.append(socket.next(WAIT_S))
    assert {each["type"] for each in states} == {"review"}
    # Of several changes meanwhile the last is told: perhaps none while it ran.
    (progress,) = {tuple(sorted(each["progress"])) for each in states if each["progress"]}
    assert set(progress) == {"calls", "rejects", "done", "calls_per_second", "seconds_left"}
    assert states[-1]["progress"]["calls"] == 300
    assert socket.close_code() == 1000


@pytest.mark.parametrize(("role", "code"), [("agent", 4403), ("producer", 4403), ("", 4401)])
def test_the_socket_is_for_people_of_qa(running, clients, role, code):
    """An agent's or a producer's token does not open it, nor a wrong key."""
    service = running()
    socket = clients.socket(f"{service.url}/v1/reviews/r1/progress")
    socket.send({"type": "hello", "token": service.token("a1", role=role) if role else "wrong"})
    assert socket.close_code() == code


def test_a_foreign_page_cannot_listen(running, clients):
    """The origin is checked before the socket opens."""
    from websockets.exceptions import InvalidStatus

    service = running()
    with pytest.raises(InvalidStatus):
        clients.socket(f"{service.url}/v1/reviews/r1/progress", origin="https://evil.example")


def test_a_running_review_is_cancelled_then_deleted(running, tmp_path):
    """The first DELETE ends it and keeps what is done; it can go on; the second removes the files."""
    service = running()
    told = upload(service, {"十月.jsonl": many(20_000)}).json()
    path = f"/v1/reviews/{told['id']}"
    until(service, told["id"], "running")
    cancelled = service.http("DELETE", path).json()
    assert cancelled["state"] == "cancelled"
    assert service.http("GET", f"{path}/results").status_code == 409
    assert service.http("POST", f"{path}/start").json()["state"] == "queued"
    assert service.http("DELETE", path).json()["state"] == "cancelled"
    assert service.http("DELETE", path).status_code == 204
    assert service.http("GET", path).status_code == 404
    deadline = time.monotonic() + WAIT_S
    while left := [each.name for each in (tmp_path / "state" / "reviews").iterdir() if each.is_dir()]:
        assert time.monotonic() < deadline, left
        time.sleep(0.02)


def test_one_runs_and_others_wait(running):
    """With one review at a time the second is queued until the first has ended."""
    service = running(review_parallel=1)
    first = upload(service, {"一.jsonl": many(20_000)}).json()["id"]
    until(service, first, "running")
    second = upload(service, {"二.jsonl": LINES}).json()["id"]
    assert service.http("GET", f"/v1/reviews/{second}").json()["state"] == "queued"
    service.http("DELETE", f"/v1/reviews/{first}")
    until(service, second, "finished")


def error_of(answer):
    """Return status, code and field of a refusal."""
    told = answer.json()["error"]
    return answer.status_code, told["code"], told["field"]


def test_too_much_is_refused_and_nothing_stays(running, tmp_path):
    """Too many bytes, too many files, too many reviews: each with its own reason."""
    service = running(review_upload_mb=1, review_upload_files=2, review_kept=1)
    large = upload(service, {"大.txt": AGENT + "客服：好的\n" * 200_000})
    assert error_of(large) == (413, "too_large", "files")
    many_files = upload(service, {f"{number}.txt": AGENT for number in range(3)})
    assert error_of(many_files) == (413, "too_large", "files")
    assert list((tmp_path / "state" / "reviews").iterdir()) == []
    assert upload(service, {"一.txt": AGENT}, start="false").status_code == 201
    assert error_of(upload(service, {"二.txt": AGENT})) == (503, "busy", None)


def test_a_body_that_grows_beyond_the_limit_is_cut_off(running):
    """Without an announced length the bytes are counted as they come."""
    service = running(review_upload_mb=1)
    sent = []

    def body():
        yield b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\n'
        for _ in range(64):
            sent.append(1)
            yield b"a" * 2**20

    answer = service.http(
        "POST", "/v1/reviews", content=body(), headers={"Content-Type": "multipart/form-data; boundary=x"}
    )
    assert error_of(answer) == (413, "too_large", "files")


@pytest.mark.parametrize(
    ("files", "fields", "field", "said"),
    [
        ({"录音.wav": b"RIFF\x00\x00\x00\x00WAVE"}, {}, "files", "录音.wav：这是录音"),
        ({"好.txt": AGENT, "图.png": b"\x89PNG\r\n"}, {}, "files", "图.png：这是图片"),
        ({"空.txt": b""}, {}, "files", "空.txt：空文件"),
        ({"a.txt": AGENT}, {"lang": "fr"}, "lang", "应为zh 或 en"),
        ({"a.txt": AGENT}, {"since": "昨天"}, "since", "应为空，或 2026-10-01 这样的日期"),
        ({"a.txt": AGENT}, {"agent": "x"}, "agent", "没有这个字段"),
        ({"a.txt": AGENT}, {"start": "maybe"}, "start", "应为true 或 false"),
    ],
)
def test_a_wrong_upload_is_explained(running, files, fields, field, said):
    """The file or the field is named, with what came and what was expected; nothing is kept."""
    service = running()
    answer = upload(service, files, **fields)
    assert error_of(answer) == (422, "invalid_field", field)
    assert said in answer.json()["error"]["message"]
    assert service.http("GET", "/v1/reviews").json()["reviews"] == []


def test_a_broken_body_is_explained(running):
    """No multipart, or one that breaks off."""
    service = running()
    plain = service.http("POST", "/v1/reviews", content="客服：您好", headers={"Content-Type": "text/plain"})
    assert error_of(plain) == (422, "invalid_field", "Content-Type")
    half = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.txt"\r\n\r\nabc'
    cut = service.http(
        "POST", "/v1/reviews", content=half, headers={"Content-Type": "multipart/form-data; boundary=x"}
    )
    assert error_of(cut) == (422, "invalid_field", "body")


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\录音\\十月.txt", "十月.txt"),
        (".hidden", "hidden"),
        ("a|b.txt", "a b.txt"),
        ("长" * 200 + ".txt", "长" * 58 + ".txt"),
    ],
)
def test_a_file_name_stays_in_its_folder(running, sent, kept):
    """Folders, dots, control characters and length: what is left of a name is safe."""
    told = upload(running(), {sent: AGENT}, start="false").json()
    assert told["files"] == [kept]


def test_files_of_the_same_name_are_both_kept(running):
    """The second gets a number."""
    parts = [("files", ("a.txt", AGENT)), ("files", ("A.txt", AGENT))]
    told = running().http("POST", "/v1/reviews", files=parts, data={"start": "false"}).json()
    assert told["files"] == ["a.txt", "A (2).txt"]


@pytest.fixture
def recordings(tmp_path):
    """A folder on the server, and a secret beside it."""
    (tmp_path / "recordings" / "2026-10").mkdir(parents=True)
    (tmp_path / "recordings" / "2026-10" / "对话.txt").write_text(AGENT, "utf-8")
    (tmp_path / "secret.txt").write_text(AGENT, "utf-8")
    return tmp_path / "recordings"


def test_a_folder_on_the_server_is_reviewed(running, recordings):
    """Files are named as below the configured folder; they stay where they are."""
    service = running(review_dir=recordings)
    told = service.http("POST", "/v1/reviews", json={"folder": "2026-10"}).json()
    assert told["files"] == ["2026-10/对话.txt"]
    until(service, told["id"], "finished")
    line = service.http("GET", f"/v1/reviews/{told['id']}/results").json()
    assert line["source"]["file"] == "2026-10/对话.txt"
    assert (recordings / "2026-10" / "对话.txt").read_text("utf-8") == AGENT


@pytest.mark.parametrize(
    ("folder", "status"),
    [("..", 403), ("../secret.txt", 403), ("/etc", 403), ("2026-10/../..", 403), ("2026-11", 422)],
)
def test_no_other_path_is_read(running, recordings, folder, status):
    """Above, beside, absolute, not there: refused, and nothing is kept."""
    service = running(review_dir=recordings)
    answer = service.http("POST", "/v1/reviews", json={"folder": folder})
    assert error_of(answer)[::2] == (status, "folder")
    assert service.http("GET", "/v1/reviews").json()["reviews"] == []


def test_a_link_does_not_lead_out(running, recordings):
    """A link inside the folder to a file outside of it is refused by its name."""
    (recordings / "2026-10" / "link.txt").symlink_to(recordings.parent / "secret.txt")
    answer = running(review_dir=recordings).http("POST", "/v1/reviews", json={"folder": "2026-10"})
    assert error_of(answer) == (403, "not_allowed", "folder")
    assert "2026-10/link.txt" in answer.json()["error"]["message"]


def test_without_a_folder_of_recordings_only_uploads_count(running):
    """No folder is configured: none can be named."""
    assert error_of(running().http("POST", "/v1/reviews", json={"folder": "x"})) == (
        403,
        "not_allowed",
        "folder",
    )


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("POST", ""),
        ("GET", "/r1"),
        ("DELETE", "/r1"),
        ("POST", "/r1/start"),
        ("GET", "/r1/results"),
        ("GET", "/r1/hits"),
        ("GET", "/r1/report.html?ticket=guessed"),
    ],
)
def test_every_route_needs_a_key(running, method, path):
    """None: 401; a token of an agent: 403."""
    service = running()
    assert service.http(method, f"/v1/reviews{path}", key=None).status_code == 401
    assert service.http(method, f"/v1/reviews{path}", key=service.token("a1")).status_code == 403


def test_visitors_of_the_demo_see_what_visitors_made(running, recordings):
    """Not the reviews of key holders, and no folder on the server."""
    service = running(demo=True, review_dir=recordings)
    own = upload(service, {"秘密.txt": AGENT}, start="false").json()["id"]
    visitor = service.token("demo-1")
    parts = [("files", ("a.txt", AGENT))]
    theirs = service.http("POST", "/v1/reviews", key=visitor, files=parts, data={"start": "false"}).json()[
        "id"
    ]
    listed = service.http("GET", "/v1/reviews", key=service.token("demo-2")).json()
    assert ([each["id"] for each in listed["reviews"]], listed["limits"]["folder"]) == ([theirs], False)
    assert service.http("GET", f"/v1/reviews/{own}", key=visitor).status_code == 404
    assert service.http("DELETE", f"/v1/reviews/{own}", key=visitor).status_code == 404
    folder = service.http("POST", "/v1/reviews", key=visitor, json={"folder": "2026-10"})
    assert folder.status_code == 403
    assert len(service.http("GET", "/v1/reviews").json()["reviews"]) == 2


def test_a_link_opens_one_file_for_a_minute(running):
    """A browser opens the report without a key, in an origin of its own; other files and later: 401."""
    now = [1_800_000_000.0]
    service = running(clock=lambda: now[0])
    told = finished(service, {"对话.txt": AGENT})
    path = f"/v1/reviews/{told['id']}"
    url = service.http("POST", f"{path}/links", json={"file": "report.html"}).json()["url"]
    report = service.http("GET", url, key=None)
    assert (report.status_code, report.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "sandbox allow-scripts" in report.headers["content-security-policy"]
    ticket = url.partition("?")[2]
    assert service.http("GET", f"{path}/results.jsonl?{ticket}", key=None).status_code == 401
    now[0] += 61
    assert service.http("GET", url, key=None).status_code == 401
    missing = service.http("POST", f"{path}/links", json={"file": "../review.json"})
    assert missing.status_code == 404


def test_what_is_too_old_is_deleted(running, tmp_path):
    """After the days it may be kept, at the next start."""
    now = [1_800_000_000.0]
    first = running(clock=lambda: now[0], review_keep_days=30)
    review_id = finished(first, {"对话.txt": AGENT})["id"]
    first.stop()
    now[0] += 29 * 86_400
    second = running(clock=lambda: now[0], review_keep_days=30)
    assert second.http("GET", f"/v1/reviews/{review_id}").json()["state"] == "finished"
    second.stop()
    now[0] += 2 * 86_400
    third = running(clock=lambda: now[0], review_keep_days=30)
    deadline = time.monotonic() + WAIT_S
    while (tmp_path / "state" / "reviews" / review_id).exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert third.http("GET", "/v1/reviews").json()["reviews"] == []


def test_rules_that_cannot_be_loaded_are_told(running, book):
    """A review with broken rules fails with the file, line and reason; mended, it goes on."""
    service = running()
    file = book / "rules" / "hedging.yml"
    before = file.read_text("utf-8")
    file.write_text(before.replace("severity: warning", "severity: loud"), "utf-8")
    review_id = upload(service, {"对话.txt": AGENT}).json()["id"]
    deadline = time.monotonic() + WAIT_S
    while (told := service.http("GET", f"/v1/reviews/{review_id}").json())["state"] != "failed":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert "rules/hedging.yml:5:" in told["problem"]
    file.write_text(before, "utf-8")
    service.http("POST", f"/v1/reviews/{review_id}/start")
    until(service, review_id, "finished")
