"""Slices of any size make up the whole."""

from __future__ import annotations

import pickle

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from coach.transcripts.model import ReadOptions, TranscriptCall
from coach.transcripts.plan import plan
from coach.transcripts.read import open_calls, read_slice
from tests.transcripts.reading import read_all

MANY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
WORDS = st.sampled_from(
    ["您好", "我要退货", 'He said "no"', "一，二", "逗,号", "换\n行", "", '"', "ok", '12"屏']
)
SIZES = st.integers(min_value=1, max_value=400)


def quoted(cell):
    """Return a cell as Excel writes it."""
    return '"' + cell.replace('"', '""') + '"' if set(cell) & set(',"\n') else cell


TABLE_LINES = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from("abcd"), st.sampled_from(["客服", "客户", ""]), WORDS, st.integers(0, 9000)
        ).map(lambda row: ",".join([row[0], row[1], quoted(row[2]), str(row[3])])),
        st.sampled_from(
            [
                "",
                '"',
                'a,客服,"没有闭合,3',
                "b,客服",
                ",客服,您好,3",
                "c,客服,您好,三",
                "a,客服,好,1,2",
                '"a"x,客服,好,1',
            ]
        ),
    ),
    max_size=25,
)
JSON_LINES = st.lists(
    st.one_of(
        st.tuples(st.sampled_from("abcd"), st.sampled_from(["agent", "customer"]), WORDS).map(
            lambda row: orjson.dumps(dict(zip(("call_id", "speaker", "text"), row, strict=True))).decode()
        ),
        st.sampled_from(
            [
                "",
                "{",
                "7",
                '{"call_id":"a"}',
                '{"speaker":"agent","text":"好"}',
                '{"call_id":"a","final":false}',
            ]
        ),
    ),
    max_size=25,
)


def assert_slices_make_up_the_whole(file, size):
    """Read as one and as slices; both give the same."""
    whole = read_all(file)
    assert read_all(file, slice_bytes=size) == whole
    assert list(open_calls(file, options=ReadOptions())) == whole


@MANY
@given(
    lines=TABLE_LINES,
    size=SIZES,
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "gb18030"]),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_table_slices(tmp_path, lines, size, encoding, end):
    """A table with broken rows, quoted line breaks and scattered calls reads the same in slices of any size."""
    file = tmp_path / "table.csv"
    file.write_bytes(end.join(["编号,角色,内容,开始(ms)", *lines]).encode(encoding))
    assert_slices_make_up_the_whole(file, size)


@MANY
@given(lines=JSON_LINES, size=SIZES)
def test_utterance_slices(tmp_path, lines, size):
    """JSON lines with an utterance each read the same in slices of any size."""
    file = tmp_path / "utterances.jsonl"
    first = '{"call_id":"first","speaker":"agent","text":"您好"}'
    file.write_text("\n".join([first, *lines]), encoding="utf-8")
    assert_slices_make_up_the_whole(file, size)


@MANY
@given(texts=st.lists(st.one_of(WORDS, st.none()), max_size=20), size=SIZES, mark=st.booleans())
def test_call_slices(tmp_path, texts, size, mark):
    """JSON lines with a call each, some broken, read the same in slices of any size."""
    file = tmp_path / "calls.jsonl"
    lines = [
        b"{broken"
        if text is None
        else orjson.dumps({"id": str(index), "turns": [{"speaker": "agent", "text": text}]})
        for index, text in enumerate(["您好", *texts])
    ]
    file.write_bytes((b"\xef\xbb\xbf" if mark else b"") + b"\n".join(lines))
    assert_slices_make_up_the_whole(file, size)


def test_many_slices(tmp_path):
    """A file that is larger than a slice is cut, in order, with its line numbers."""
    file = tmp_path / "calls.jsonl"
    file.write_text(
        "".join(f'{{"id":"{n}","turns":[{{"speaker":"agent","text":"您好"}}]}}\n' for n in range(50)),
        encoding="utf-8",
    )
    pieces = plan([file], options=ReadOptions(), slice_bytes=500)
    assert len(pieces) > 3
    assert [piece.index for piece in pieces] == list(range(len(pieces)))
    found = [call for piece in pieces for call in read_slice(piece, ReadOptions())]
    assert [(call.id, call.place.line) for call in found] == [(str(n), n + 1) for n in range(50)]


def test_slices_travel(tmp_path):
    """A slice can be sent to another process."""
    file = tmp_path / "calls.jsonl"
    file.write_text('{"id":1,"turns":[{"speaker":"agent","text":"您好"}]}\n', encoding="utf-8")
    (piece,) = plan([file], options=ReadOptions())
    assert pickle.loads(pickle.dumps(piece)) == piece


@pytest.mark.parametrize("slice_bytes", [1, 10**9])
def test_scattered_rows(tmp_path, slice_bytes):
    """Rows of one id that lie apart are one call, in the order of first rows."""
    file = tmp_path / "scattered.csv"
    file.write_text(
        "call_id,speaker,text\na,agent,一\nb,agent,二\na,customer,三\nb,customer,四\n", encoding="utf-8"
    )
    found = read_all(file, slice_bytes=slice_bytes)
    assert all(isinstance(each, TranscriptCall) for each in found)
    assert [(call.id, [turn.text for turn in call.turns]) for call in found] == [
        ("a", ["一", "三"]),
        ("b", ["二", "四"]),
    ]


def test_broken_row_inside_a_call(tmp_path):
    """A call whose middle row cannot be read is set aside whole, and not read as two calls."""
    file = tmp_path / "table.csv"
    file.write_bytes(
        "call_id,speaker,text\na,agent,您好，很高兴为您服务\n".encode()
        + b"a,agent,\xff\xfe\xff\n"
        + "a,agent,三\nb,agent,四\n".encode()
    )
    first, second = read_all(file)
    assert (first.place.line, second.id) == (3, "b")
    assert "整通 'a'（3 行，自第 2 行）搁置" in first.problem
