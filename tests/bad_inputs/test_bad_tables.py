"""Tables that cannot be learned from: the command line says why, where, and leaves nothing behind.

Each is given to ``baregrad train``; the message is one line, without a traceback.
"""

import gzip
import re

import pytest

from baregrad.cli.main import main

LEARNABLE = "a,y\n" + "".join(f"{i},{i / 2}\n" for i in range(12))

TABLES = {
    "empty": (b"", "t.csv is empty: there are no rows in it"),
    "blank lines": (b"\n\r\n  \n", "t.csv is empty"),
    "header alone": (b"a,b,y\n", "t.csv has only a header"),
    "one row": (b"a,y\n1,2\n", "has a value in one row only"),
    "too few cells": (b"a,b,y\n1,2,3\n4,5\n6,7,8\n", "line 3: 2 cells, and 3 cells in the first"),
    "too many cells": (b"a,y\n1,2\n3,4,5\n", "line 3: 3 cells, and 2 cells in the first row"),
    "a line of counts": (b"2,3,setosa\n1,2\n3,4\n5,6\n", "line 2: .*as only the first differs"),
    "wrong row after blank lines": (b"a,y\n\n1,2\n\n3\n", "line 5: 1 cell, and 2 cells"),
    "wrong row after a quoted line": (b'a,y\n"1\n",2\n3\n', "line 4: 1 cell, and 2 cells"),
    "two columns of one name": (b"y,a,y\n1,2,3\n", "more than one column is called 'y'"),
    "unclosed quotation": (b'a,y\n"1,2\n3,4\n', "unexpected end of data; look for a double quote"),
    "quotation in a cell": (b'a,y\n"1"2,3\n', "line 2: .*look for a double quote"),
    "a huge cell": (b"a,y\n" + b"x" * 200_000 + b",1\n", "line 2: field larger than field limit"),
    "zero bytes": (b"a,y\n1,\0\n", "not a text table: it contains zero bytes"),
    "utf-16 without mark": ("a,y\n1,2\n".encode("utf-16-le"), "zero bytes; .*; if it is text, say"),
    "broken utf-8 with mark": (b"\xef\xbb\xbfa,y\n1,\xff\n", "is not utf-8-sig text"),
    "broken utf-16": ("a,y\n1,2\n".encode("utf-16")[:-1], "is not utf-16 text"),
    "cut off gzip": (gzip.compress(LEARNABLE.encode(), mtime=0)[:-4], "is a damaged gzip file"),
    "gzip of junk": (b"\x1f\x8b\x08" + b"\0" * 20, "t.csv is a damaged gzip file|t.csv is empty"),
    "a zip archive": (b"PK\3\4\x14\0\0\0\x08\0", "not a text table: it contains zero bytes"),
    "a picture": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "not a text table: it contains zero bytes"),
    "no such target": (LEARNABLE.replace("y", "z").encode(), "unknown column of t.csv 'y'"),
    "constant target": (b"a,y\n" + b"1,7.5\n2,7.5\n" * 9, "'y' is the same in all 18 rows"),
    "one class": (b"a,y\n" + b"1,cat\n2,cat\n" * 9, "'y' is the same in all 18 rows"),
    "no value in the target": (b"a,y\n1,?\n2,NA\n3,\n", "the target 'y' has no values"),
    "infinite target": (LEARNABLE.encode() + b"3,inf\n", "line 14, column 'y': 'inf' is not"),
    "text in the target": (
        LEARNABLE.encode() + b"3,1;5\n",
        "line 14, column 'y': '1;5' is not a finite number",
    ),
    "infinite feature": (LEARNABLE.encode() + b"1e999,1\n", "line 14, column 'a': 'inf' is not a"),
    "decimal commas": (
        b"a;y\n" + b"".join(b"%d,5;%d.5\n" % (i, i) for i in range(12)),
        "line 2, column 'a': '0,5' looks like a number; write numbers as in 1500.25, say which",
    ),
    "commas between thousands, perhaps": (
        b"a;y\n" + b"".join(b"%d,500;%d\n" % (i, i) for i in range(1, 12)),
        "line 2, column 'a': '1,500' looks like a number; .* --decimal",
    ),
    "percentages": (b"a,y\n" + b"5%,1\n7.5%,2\n" * 9, "'5%' looks like a number; .*--kind a=cat"),
    "dates in the American order": (b"a,y\n" + b"3/4/2024,1\n3/5/2024,2\n" * 9, "'3/4/2024' looks"),
    "a total below": (
        b"a,y\n" + b"".join(b"%d,%d.5\n" % (i, i) for i in range(30)) + b"Total,435\n" * 3,
        "line 32, column 'a': 'Total' is no number, while 2[0-9] of 2[0-9] different texts are",
    ),
    "no feature for classes": (b"y\n" + b"a\nb\n" * 9, "beside the target 'y' there is no column"),
    "no feature": (b"y\n" + b"1.5\n2\n3\n" * 9, "beside the target 'y' there is no column"),
    "only empty features": (
        b"a,y\n" + b",1.5\n,2\n,3\n" * 9,
        "no column to learn from; 'a': it has no values",
    ),
    "only constant features": (
        b"a,y\n" + b"4,1.5\n4,2\n4,3\n" * 9,
        "no column to learn from; 'a': its value is the same in all rows",
    ),
    "only identifiers": (
        b"id,y\n" + b"".join(b"%d,%d.5\n" % (i, i) for i in range(30)),
        "no column to learn from; 'id': by its name and its numbers",
    ),
    "numbers too large": (
        LEARNABLE.encode() + b"1e200,1.5\n-1e200,3\n" * 4,
        "column 'a' has numbers too large to square; divide them by a power of ten",
    ),
}  # fmt: skip

# What is said of a table, too, beside its options.
OPTIONS = {
    "text in the target": ("--task", "regression"),
}


@pytest.fixture
def train(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def run(*words):
        code = main(["train", *words, "--epochs", "1", "--hidden", "2", "--quiet"])
        return code, capsys.readouterr()

    return run


@pytest.mark.parametrize("name", TABLES)
def test_a_bad_table_is_refused_in_one_line_and_leaves_nothing(name, train, tmp_path):
    content, message = TABLES[name]
    (tmp_path / "t.csv").write_bytes(content)
    code, output = train("t.csv", "--target", "y", *OPTIONS.get(name, ()))
    assert (code, output.out) == (1, "")
    assert re.match(r"baregrad: error: [^\n]*\n\Z", output.err)
    assert re.search(message, output.err)
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]


def test_a_good_table_is_not_refused(train, tmp_path):
    (tmp_path / "t.csv").write_text(LEARNABLE)
    code, output = train("t.csv", "--target", "y")
    assert (code, output.err) == (0, "")
