"""Files, folders, patterns, archives and encodings."""

from __future__ import annotations

import gzip
import io
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest

from coach.errors import TranscriptError
from coach.transcripts.archive import safe_name
from coach.transcripts.encoding import sniff
from coach.transcripts.model import Limits, ReadOptions
from coach.transcripts.plan import plan
from coach.transcripts.sources import expand
from tests.transcripts.reading import only_call, only_reject, read_all, told

CALL = '{"id":"1","turns":[{"speaker":"agent","text":"您好"}]}\n'.encode()
TEXT = "客服：您好，很高兴为您服务。\n客户：你好，我想问一下。\n"


def test_folder(tmp_path):
    """A folder is read with all that is below, by name; what systems leave there is passed over."""
    for name in ("b/2.txt", "a/1.txt", "3.txt", ".hidden/x.txt", "~$3.xlsx", "__MACOSX/y", "Thumbs.db"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(TEXT, encoding="utf-8")
    assert [str(file.relative_to(tmp_path)) for file in expand([tmp_path])] == ["3.txt", "a/1.txt", "b/2.txt"]


def test_each_file_once(tmp_path):
    """A file that is named twice is read once; patterns name files."""
    for name in ("1.txt", "2.txt", "3.csv"):
        (tmp_path / name).write_text(TEXT, encoding="utf-8")
    assert [file.name for file in expand([tmp_path / "2.txt", tmp_path / "*.txt"])] == ["2.txt", "1.txt"]


@pytest.mark.parametrize("name", ["missing.txt", "*.nothing"])
def test_missing(tmp_path, name):
    """A source that does not exist stops the work before it begins."""
    with pytest.raises(TranscriptError, match="没有"):
        expand([tmp_path / name])


def test_one_bad_file_among_good_ones(tmp_path):
    """A file that is something else is a reject; the rest is read."""
    (tmp_path / "1.jsonl").write_bytes(CALL)
    (tmp_path / "2.wav").write_bytes(b"RIFF....WAVE")
    (tmp_path / "3.txt").write_bytes(b"")
    (tmp_path / "4.bin").write_bytes(bytes(range(256)) * 10)
    (tmp_path / "5.txt").write_text("今天天气不错\n", encoding="utf-8")
    (tmp_path / "6.json").write_text('{"a": 1}', encoding="utf-8")
    found = read_all(tmp_path)
    assert found[0].id == "1"
    for reject, words in zip(found[1:], ("录音", "空文件", "不是文字", "认不出格式", "键有：a"), strict=True):
        assert words in reject.problem


def archive(file, **members):
    """Write a zip archive."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members.items():
            packed.writestr(name.replace("__", "/"), content)
    return file


def test_zip(tmp_path):
    """The files in an archive are read in its order, under names that tell where they were."""
    file = archive(
        tmp_path / "a.zip", **{"x/1.txt": TEXT, ".DS_Store": "x", "y.jsonl.gz": gzip.compress(CALL)}
    )
    found = read_all(file)
    assert [(call.id, call.place.file) for call in found] == [
        ("x/1", f"{file}!/x/1.txt"),
        ("1", f"{file}!/y.jsonl.gz"),
    ]


def test_zip_names_in_gbk(tmp_path):
    """Names that Windows wrote in GBK come out right."""
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as packed:
        packed.writestr("@@@@.txt", TEXT)
    file = tmp_path / "a.zip"
    file.write_bytes(raw.getvalue().replace(b"@@@@", "录音".encode("gbk")))
    assert only_call(file).id == "录音"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "etc/passwd"),
        ("C:\\temp\\a.txt", "temp/a.txt"),
        ("/a\x1b[31m.txt", "a�[31m.txt"),
        ("..", "_"),
    ],
)
def test_names_are_made_safe(name, shown):
    """A member's name cannot climb out of a folder or garble a terminal."""
    assert safe_name(name) == shown


def test_gzip(tmp_path):
    """A .gz is read through, and keeps its name."""
    file = tmp_path / "calls.jsonl.gz"
    file.write_bytes(gzip.compress(CALL))
    assert only_call(file).place.file == str(file)


def test_cut_gzip(tmp_path):
    """A .gz that ends early gives what was whole and then says so."""
    file = tmp_path / "calls.jsonl.gz"
    # Digests do not compress, so that many lines are whole before the end is missed.
    lines = b"".join(
        CALL.replace(b'"1"', b'"%b"' % sha256(b"%d" % n).hexdigest().encode()) for n in range(5000)
    )
    packed = gzip.compress(lines, 1)
    file.write_bytes(packed[: len(packed) * 9 // 10])
    found = read_all(file)
    assert len(found) > 1000
    assert "压缩文件损坏" in found[-1].problem


BOMB = Limits(ratio_from=100_000, ratio=50)


def test_gzip_bomb(tmp_path):
    """A .gz that swells beyond measure is refused while it is being read."""
    file = tmp_path / "a.gz"
    file.write_bytes(gzip.compress(CALL * 20_000))
    assert "像压缩炸弹" in only_reject(file, ReadOptions(limits=BOMB)).problem


def test_zip_bomb(tmp_path):
    """An archive that would swell beyond measure is refused before it is opened."""
    file = archive(tmp_path / "a.zip", a=CALL * 20_000)
    assert "像压缩炸弹" in only_reject(file, ReadOptions(limits=BOMB)).problem


def test_total_size(tmp_path):
    """What an archive holds together is bounded."""
    file = archive(tmp_path / "a.zip", a=CALL, b=CALL)
    assert "应不超过" in only_reject(file, ReadOptions(limits=Limits(unpacked=100))).problem


def test_member_count(tmp_path):
    """So is the number of files in it."""
    file = archive(tmp_path / "a.zip", a=CALL, b=CALL, c=CALL)
    assert "3 个文件，应不超过 2 个" in only_reject(file, ReadOptions(limits=Limits(members=2))).problem


def test_damaged_member(tmp_path):
    """A damaged file in an archive is told, and the others are read."""
    file = tmp_path / "a.zip"
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("1.jsonl", CALL)
        packed.writestr("2.jsonl", CALL)
    file.write_bytes(file.read_bytes().replace("您好".encode(), "你好".encode(), 1))
    *_, damaged, whole = read_all(file)
    assert ("损坏" in damaged.problem, whole.id) == (True, "1")


def test_nested_archives(tmp_path):
    """An archive in an archive is refused; the files beside it are read."""
    inner = archive(tmp_path / "inner.zip", a=CALL).read_bytes()
    found = read_all(archive(tmp_path / "outer.zip", inner=inner, b=CALL))
    assert ("压缩包里的压缩包" in found[0].problem, found[1].id) == (True, "1")


def test_locked_archive(tmp_path):
    """A file under a password is told so."""
    raw = bytearray(archive(tmp_path / "a.zip", a=CALL).read_bytes())
    raw[6] |= 1
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "a.zip").write_bytes(raw)
    assert "密码" in only_reject(tmp_path / "a.zip").problem


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("gbk", "gb18030"),
        ("gb18030", "gb18030"),
        ("utf-16", "utf-16-le"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("utf-32", "utf-32-le"),
    ],
)
def test_encodings(tmp_path, encoding, name):
    """Encodings are told by the text itself, and every one of them gives the same call."""
    assert sniff(TEXT.encode(encoding)) == name
    file = tmp_path / "call.txt"
    file.write_bytes(TEXT.encode(encoding))
    assert [turn.text for turn in only_call(file).turns] == ["您好，很高兴为您服务。", "你好，我想问一下。"]


def test_encoding_far_into_the_file(tmp_path):
    """A file that is plain ASCII for its first MB is read in the encoding of what follows."""
    file = tmp_path / "table.csv"
    file.write_bytes(b"call_id,speaker,text\n" + b"a,agent,ok\n" * 30_000 + "b,agent,您好\n".encode("gbk"))
    assert told(read_all(file, ReadOptions(limits=Limits(turns=50_000)))[-1]) == [("agent", "您好", 0, 0)]


def test_named_encoding(tmp_path):
    """Big5 cannot be told from GBK, so it can be named; a name that is none is told."""
    file = tmp_path / "call.txt"
    file.write_bytes("客服：您好，歡迎致電\n客戶：你好\n".encode("big5"))
    options = ReadOptions(encoding="big5", customer_is=frozenset({"客戶"}))
    assert only_call(file, options).turns[0].text == "您好，歡迎致電"
    assert "应为编码名" in only_reject(file, ReadOptions(encoding="klingon")).problem


def test_file_vanishes(tmp_path):
    """A file that cannot be opened any more is a reject."""
    link = tmp_path / "a.txt"
    link.write_text(TEXT, encoding="utf-8")
    from coach.transcripts.plan import plan
    from coach.transcripts.read import read_slice

    (piece,) = plan([link], options=ReadOptions())
    Path(link).unlink()
    (reject,) = read_slice(piece, ReadOptions())
    assert "读不下去" in reject.problem


def test_names_of_calls_without_ids(tmp_path):
    """A call without an id is called after its file's path below the source; no two files share a name."""
    names = ("1.txt", "1-2.txt", "a/1.txt", "a/1.srt.txt", "b/1.txt", "b/1.vtt", "c.d/1.txt")
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        text = "WEBVTT\n\n00:01.000 --> 00:02.000\n客服：您好\n" if name.endswith("vtt") else TEXT
        (tmp_path / name).write_text(text, encoding="utf-8")
    archive(tmp_path / "z.zip", **{"a__1.txt": TEXT, "y.txt": TEXT})
    found = {call.place.file.removeprefix(f"{tmp_path}/"): call.id for call in read_all(tmp_path)}
    assert found == {
        "1.txt": "1",
        "1-2.txt": "1-2.txt",
        "a/1.txt": "a/1.txt",
        "a/1.srt.txt": "a/1.srt",
        "b/1.txt": "b/1.txt",
        "b/1.vtt": "b/1.vtt",
        "c.d/1.txt": "c.d/1",
        "z.zip!/a/1.txt": "z.zip/a/1.txt",
        "z.zip!/y.txt": "y",
    }


def test_names_from_two_sources(tmp_path):
    """Files of the same name from two sources are called by their whole paths."""
    files = [tmp_path / "a" / "1.txt", tmp_path / "b" / "1.txt"]
    for file in files:
        file.parent.mkdir()
        file.write_text(TEXT, encoding="utf-8")
    pieces = plan(files, options=ReadOptions())
    assert [piece.stem for piece in pieces] == [str(file) for file in files]


def test_names_below_a_pattern(tmp_path):
    """Below a pattern the path begins with the first part that the pattern leaves open."""
    for name in ("a/1.txt", "b/1.txt"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(TEXT, encoding="utf-8")
    assert [call.id for call in read_all(tmp_path / "*" / "*.txt")] == ["a/1", "b/1"]


@pytest.mark.parametrize("broken", [0, 1])
def test_two_lines_of_json_one_broken(tmp_path, broken):
    """Two records, one a line, are lines even if one is broken; its reject holds it."""
    lines = [CALL, CALL]
    lines[broken] = CALL[:-8] + b"\n"
    file = tmp_path / "1.jsonl"
    file.write_bytes(b"".join(lines))
    found = read_all(file)
    reject = found[broken]
    assert found[1 - broken].id == "1"
    assert (reject.place.line, reject.raw) == (broken + 1, lines[broken].strip())


def test_broken_document_is_quoted(tmp_path):
    """The reject of a JSON document that breaks holds the line where it does."""
    file = tmp_path / "1.json"
    file.write_bytes(b'{"calls": [\n' + CALL[:-8] + b"\n")
    reject = only_reject(file)
    assert b'"turns"' in reject.raw
