"""Reviews, decisions and appeals by the client, against a real service and its real processes."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from coach.client import AsyncClient, Client, ClientError, RefusedError, review_requests
from tests.conftest import write_scorecard

SAID = "客服：您好，请讲\n客户：怎么退订\n客服：这个我不知道\n客户：那好吧\n"
UNNAMED = "SPEAKER_00：您好，请讲\nSPEAKER_01：怎么退订\nSPEAKER_00：我不知道\n"
RULE = "ignorance/bare-dont-know"


@pytest.fixture(autouse=True)
def card(book):
    """A scorecard that knows the tests' rules."""
    write_scorecard(book / "rules")


@pytest.fixture
def client(running):
    """A client of a running service, with the key of a reviewer."""
    service = running()
    with Client(service.url, service.new_key(role="reviewer")) as client:
        client.service = service
        yield client


def test_a_review_from_files_to_report(client, tmp_path):
    """Handed in, followed to its end, read, and the report fetched whole."""
    first = tmp_path / "一.txt"
    first.write_text(SAID, "utf-8")
    made = client.reviews.submit([first, ("二.txt", SAID.encode())], title="十月", lang="en")
    assert (made.title, made.file_count, made.options.lang) == ("十月", 2, "en")
    states = list(client.reviews.follow(made.id))
    assert states[-1].state == "finished"
    assert not any(each.over for each in states[:-1])
    (one, two) = client.reviews.results(made.id)
    assert (one.source.file, two.source.file) == ("一.txt", "二.txt")
    assert [hit.rule for hit in one.hits] == [RULE]
    assert one.score.points == 95
    report = client.reviews.download(made.id, "report.html", tmp_path / "report.html")
    assert report.read_bytes().startswith(b"<!")
    assert sorted(each.name for each in tmp_path.glob("*report*")) == ["report.html"]
    link = client.reviews.link(made.id, "hits.csv")
    assert httpx.get(client.service.url + link.url, trust_env=False).status_code == 200
    assert [each.id for each in client.reviews.list().reviews] == [made.id]


def test_pages_of_results_and_hits_join(client, monkeypatch):
    """Every call once, in the order of the files."""
    monkeypatch.setattr(review_requests, "RESULTS", 2)
    monkeypatch.setattr(review_requests, "_HITS", 2)
    made = client.reviews.submit([(f"{n}.txt", SAID.encode()) for n in range(5)])
    assert client.reviews.wait(made.id).state == "finished"
    assert [each.source.file for each in client.reviews.results(made.id)] == [f"{n}.txt" for n in range(5)]
    assert [each.n for each in client.reviews.hits(made.id)] == [1, 2, 3, 4, 5]
    assert [each.n for each in client.reviews.hits(made.id, limit=3)] == [1, 2, 3]
    assert list(client.reviews.hits(made.id, rule="nothing/of-this")) == []
    assert [(each.rule, each.count) for each in client.reviews.hit_counts(made.id)] == [(RULE, 5)]


def test_speakers_are_named_before_it_starts(client):
    """Looked at first, then started with the choice, then deleted."""
    made = client.reviews.submit([("编号.txt", UNNAMED.encode())], start=False)
    seen = next(each.look for each in client.reviews.follow(made.id) if each.look)
    assert (seen[0].labels[0].label, seen[0].labels[0].asks) == ("SPEAKER_00", "agent")
    client.reviews.start(made.id, agent_is=["SPEAKER_00"], anonymous=False)
    done = client.reviews.wait(made.id)
    assert (done.state, done.options.agent_is, done.options.anonymous) == ("finished", ("SPEAKER_00",), False)
    assert client.reviews.remove(made.id) is None
    with pytest.raises(RefusedError) as refused:
        client.reviews.get(made.id)
    assert refused.value.status == 404


def test_one_that_waits_is_cancelled_first(client):
    """Once to cancel, which returns it, once to delete; its results are not there."""
    made = client.reviews.submit([("编号.txt", UNNAMED.encode())], start=False)
    with pytest.raises(RefusedError) as refused:
        list(client.reviews.results(made.id))
    assert refused.value.code == "conflict"
    assert client.reviews.remove(made.id) is None


def test_what_is_no_transcript_is_refused(client, tmp_path):
    """By the service with the file's name; nothing to send and a file that is not there before that."""
    with pytest.raises(RefusedError, match=r"图\.jsonl"):
        client.reviews.submit([("图.jsonl", b"\x89PNG\r\n\x1a\n" + bytes(100))])
    with pytest.raises(ClientError, match="没有文件"):
        client.reviews.submit([])
    with pytest.raises(FileNotFoundError):
        client.reviews.submit([tmp_path / "none.txt"])


def test_a_download_that_fails_leaves_no_file(client, tmp_path):
    """A review that is not there, or a file it did not write."""
    with pytest.raises(RefusedError):
        client.reviews.download("r0", "report.html", tmp_path / "report.html")
    assert list(tmp_path.glob("*report*")) == []


def test_a_hit_is_judged_appealed_and_settled(client):
    """Each step is typed; the rule's health counts it."""
    made = client.reviews.submit([("一.txt", SAID.encode())])
    client.reviews.wait(made.id)
    (hit,) = client.reviews.hits(made.id)
    assert (hit.decision, hit.said) == (None, "这个我不知道")
    decided = client.decisions.decide(
        "right",
        reviewer="qa-1",
        reason="没有接住",
        review=made.id,
        call=hit.call_id,
        turn=hit.turn,
        rule=hit.rule,
        start=hit.start,
        end=hit.end,
    )
    assert (decided.verdict, decided.state, decided.text) == ("right", "decided", "我不知道")
    (again,) = client.reviews.hits(made.id)
    assert again.decision == decided
    with Client(client.service.url, client.service.new_key(role="admin")) as admin:
        assert admin.decisions.appeal(decided.id, "系统查不到", agent_id="a1").state == "appealed"
    settled = client.decisions.settle(decided.id, "wrong", reason="申诉成立", reviewer="qa-2")
    assert [step.kind for step in settled.history] == ["decided", "appealed", "settled"]
    assert client.decisions.list(review=made.id, state="settled") == (settled,)
    assert client.decisions.list(state="decided") == ()
    (fared,) = (each for each in client.decisions.rules_health().rules if each.rule == RULE)
    assert (fared.reviewed, fared.false, fared.precision) == (1, 1, 0.0)


def test_a_hit_that_is_not_there_cannot_be_judged(client):
    """RefusedError names what must fit."""
    with pytest.raises(RefusedError) as refused:
        client.decisions.decide(
            "right", reviewer="qa-1", call="c1", utterance="u1", rule=RULE, start=0, end=1
        )
    assert (refused.value.code, refused.value.field) == ("not_found", "call")


def test_the_asynchronous_client_reviews_too(running, tmp_path):
    """The same way from files to decision."""
    service = running()
    file = tmp_path / "一.txt"
    file.write_text(SAID, "utf-8")

    async def work():
        async with AsyncClient(service.url, service.new_key(role="reviewer")) as client:
            made = await client.reviews.submit([file], title="十月")
            states = [each.state async for each in client.reviews.follow(made.id)]
            assert states[-1] == (await client.reviews.wait(made.id)).state == "finished"
            (result,) = [each async for each in client.reviews.results(made.id)]
            (hit,) = [each async for each in client.reviews.hits(made.id)]
            assert (await client.reviews.hit_counts(made.id))[0].count == 1
            assert (await client.reviews.link(made.id)).url
            assert (await client.reviews.list()).reviews[0] == await client.reviews.get(made.id)
            place = {"review": made.id, "call": result.id, "turn": hit.turn, "rule": hit.rule}
            decided = await client.decisions.decide(
                "wrong", reviewer="qa-1", start=hit.start, end=hit.end, **place
            )
            assert await client.decisions.list(call=result.id) == (decided,)
            assert (await client.decisions.rules_health()).rules
            saved = await client.reviews.download(made.id, "results.jsonl", tmp_path / "results.jsonl")
            assert saved.read_bytes().count(b"\n") == 1
            with pytest.raises(RefusedError):
                await client.reviews.download(made.id, "nothing.txt", tmp_path / "nothing.txt")
            return await client.reviews.remove(made.id)

    assert asyncio.run(work()) is None
