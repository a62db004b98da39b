import codecs
import contextlib
import csv
import gzip
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baregrad.data import text_blocks
from baregrad.data.read import read_table
from baregrad.errors import ArgumentError, BaregradError, DataError


@pytest.fixture
def read(tmp_path):
    def from_text(content, **arguments):
        path = tmp_path / "t.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_table(path, **arguments)

    return from_text


def columns(table):
    return {name: table[name] for name in table.names}


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(read, delimiter):
    text = "a,b\n1,x\n2,y\n".replace(",", delimiter)
    assert columns(read(text)) == {"a": ["1", "2"], "b": ["x", "y"]}


def test_a_delimiter_within_quotes_or_in_few_rows_is_not_taken(read):
    text = 'a;b\n"1,5,3";x, y\n"2,5,3";z\n'
    assert columns(read(text)) == {"a": ["1,5,3", "2,5,3"], "b": ["x, y", "z"]}


def test_a_given_delimiter_is_used(read):
    assert columns(read("a b\n1 2\n", delimiter=" ")) == {"a": ["1"], "b": ["2"]}


def test_blanks_are_a_delimiter_where_nothing_else_is(read):
    assert columns(read("a    b\n 1    2\n10 -2.5\n")) == {"a": ["1", "10"], "b": ["2", "-2.5"]}
    assert columns(read("name\nlight blue\nred\n")) == {"name": ["light blue", "red"]}
    assert columns(read("a b,c d\n1 2,3 4\n")) == {"a b": ["1 2"], "c d": ["3 4"]}


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        ("0,5 7 1.250,75 -3 1.000 2,5e3", ["0.5", "7", "1250.75", "-3", "1000", "2500"]),
        ("1,250.5 1,000 900 .5", ["1250.5", "1000", "900", "0.5"]),
        ("1,250,000 1,000 ? -", ["1250000", "1000", None, None]),
    ],
)
def test_the_decimal_mark_is_found_where_numbers_have_one_meaning(read, cells, numbers):
    table = read("a;b\n" + "".join(f"{cell};x,5\n" for cell in cells.split()))
    assert columns(table) == {"a": numbers, "b": ["x,5"] * len(numbers)}
    assert table.kind("a") == "number"
    assert "as the decimal mark" in table.notes[0]


@pytest.mark.parametrize("cells", ["1,250 1,000", "0,5 0.5", "1,5 x"])
def test_numbers_with_commas_that_prove_no_decimal_mark_stay_text(read, cells):
    table = read("a;b\n" + "".join(f"{cell};1\n" for cell in cells.split()))
    assert (table["a"], table.kind("a"), table.notes) == (cells.split(), "category", [])


@pytest.mark.parametrize(("decimal", "numbers"), [(",", ["1.25", "3"]), (".", ["1250", "3"])])
def test_a_given_decimal_mark_is_used(read, decimal, numbers):
    text = "a,5;b\n1,250;2024-01-01\n3;1.2.3\n"
    table = read(text, decimal=decimal)
    assert columns(table) == {"a,5": numbers, "b": ["2024-01-01", "1.2.3"]}
    assert table.notes == []
    assert read(text, decimal=decimal, text=True).numbers("a,5") == table.numbers("a,5")
    assert read("1,5;2\n2,5;3\n", header=False, decimal=",")["column_1"] == ["1.5", "2.5"]


def test_numbers_that_may_be_codes_are_noted(read):
    text = "zip,price,day\n01067,0.5,x01\n80331,0,x02\n"
    (note,) = read(text).notes
    assert note.startswith("column 'zip' has numbers that begin with 0; if they are codes, say")
    table = read(text, kinds={"zip": "category"})
    assert (table["zip"], table.notes) == (["01067", "80331"], [])


def test_dashes_alone_are_text_and_among_numbers_missing(read, monkeypatch):
    assert columns(read("a,b\n-,1\n?,-\n")) == {"a": ["-", None], "b": ["1", None]}
    monkeypatch.setattr(text_blocks, "BYTES", 50)  # where the first rows are not all
    table = read("a\n" + "-\n" * 60 + "5\n")
    assert table.kind("a") == "number"
    assert table.numbers("a")[-1] == 5
    assert len(table.missing_rows("a")) == 60


def test_an_unknown_decimal_mark_is_named(read):
    with pytest.raises(ArgumentError, match=r"the decimal mark is '\.' or ',', not ';'"):
        read("a,b\n1,2\n", decimal=";")


def test_one_column_needs_no_delimiter(read):
    assert columns(read("a\n1\n\n2\n")) == {"a": ["1", "2"]}


def test_quotes_blanks_and_missing_values(read):
    table = read('name, size ,note\n"Smith, J.", 3 ,"say ""yes"""\n"two\nlines",?,NA\n')
    assert columns(table) == {
        "name": ["Smith, J.", "two\nlines"],
        "size": ["3", None],
        "note": ['say "yes"', None],
    }


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_ending_is_read(read, end):
    assert columns(read(f"a,b{end}1,2{end}{end}3,4")) == {"a": ["1", "3"], "b": ["2", "4"]}


def test_a_byte_order_mark_is_no_part_of_the_first_name(read):
    assert read(codecs.BOM_UTF8 + b"a,b\n1,2\n").names == ["a", "b"]


def test_another_encoding_can_be_given(read):
    assert read("größe\n1\n".encode("latin-1"), encoding="latin-1").names == ["größe"]
    assert read("größe\n1\n".encode("utf-16"), encoding="utf-16").names == ["größe"]


def test_a_compressed_file_is_read_too(read):
    assert columns(read(gzip.compress(b"a,b\n1,2\n"))) == {"a": ["1"], "b": ["2"]}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("age,sex\n3,m\n4,f\n", ["age", "sex"]),
        ("3,m\n4,f\n", ["column_1", "column_2"]),
        ("1,2\n3,4\n", ["column_1", "column_2"]),
        ("?,m\n4,f\n", ["column_1", "column_2"]),
        (",age\n0,30\n1,40\n", ["column_1", "age"]),
        ("colour,shape\nred,round\nred,square\n", ["colour", "shape"]),
        ("red,round\nred,square\n", ["column_1", "column_2"]),
        ("a,b\n,\n1,2\n", ["a", "b"]),
    ],
)
def test_a_header_is_recognised(read, text, names):
    assert read(text).names == names


def test_whether_there_is_a_header_can_be_said(read):
    assert columns(read("a,b\nc,d\n", header=False)) == {
        "column_1": ["a", "c"],
        "column_2": ["b", "d"],
    }
    assert columns(read("1,2\n3,4\n", header=True)) == {"1": ["3"], "2": ["4"]}


@pytest.mark.parametrize(
    ("columns", "header"),
    [(["2020"], True), (["2019", "city"], True), (["2020", "2021"], False), ([], False)],
)
def test_a_first_row_with_all_expected_columns_is_a_header(read, columns, header):
    names = ["city", "2019", "2020"] if header else ["column_1", "column_2", "column_3"]
    assert read("city, 2019, 2020\nrome,1,2\n", columns=columns).names == names


def test_expected_columns_do_not_outweigh_what_is_said(read):
    assert read("a,b\n1,2\n", header=False, columns=["a", "b"]).names == ["column_1", "column_2"]


def test_messages_name_the_line_in_the_file(read):
    table = read('note\n"a,b"\nx,y\n', delimiter=";", skip_rows=0)
    assert [table.place(row)[-6:] for row in range(2)] == ["line 2", "line 3"]
    assert read("junk\na,b\n\n1,2\n", skip_rows=1).place(0).endswith("t.csv, line 4")


def test_rows_at_the_top_can_be_left_out(read):
    assert columns(read("3 rows; made up\na,b\n1,2\n", skip_rows=1)) == {"a": ["1"], "b": ["2"]}


@given(
    st.lists(
        st.lists(
            st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6).map(
                lambda s: f"t{s}t"
            ),
            min_size=2,
            max_size=2,
        ),
        min_size=1,
        max_size=6,
    )
)
def test_what_the_csv_module_writes_is_read_back(tmp_path_factory, rows):
    path = tmp_path_factory.getbasetemp() / "written.csv"
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows(rows)
    path.write_bytes(stream.getvalue().encode())
    table = read_table(path, delimiter=",", header=False)
    assert [list(row) for row in zip(*columns(table).values(), strict=True)] == rows


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(content)
    with contextlib.suppress(BaregradError):
        assert len(read_table(path)) > 0


def test_standard_input_and_open_files_are_read(monkeypatch, tmp_path):
    content = b"a,b\n1,2\n"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
    table = read_table("-")
    assert (columns(table), table.place(0)) == ({"a": ["1"], "b": ["2"]}, "standard input, line 2")
    for file in (
        io.BytesIO(content),
        io.StringIO(content.decode()),
        io.BytesIO(gzip.compress(content)),
    ):
        assert columns(read_table(file)) == {"a": ["1"], "b": ["2"]}
    path = tmp_path / "named.csv"
    path.write_bytes(content)
    with path.open("rb") as file:
        assert read_table(file).place(0) == f"{path}, line 2"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_says_the_encoding(read, encoding):
    assert columns(read("größe,b\n1,é\n".encode(encoding))) == {"größe": ["1"], "b": ["é"]}


def test_what_is_not_utf_8_is_read_as_latin_1_with_a_word(read):
    table = read("größe,b\n1,é\n".encode("latin-1"))
    assert columns(table) == {"größe": ["1"], "b": ["é"]}
    assert table.notes == [
        "it is not UTF-8, and was read as Latin-1; if letters look wrong, give its encoding"
    ]
    assert read("größe\n1\n".encode("latin-1"), encoding="latin-1").notes == []


def test_the_encoding_may_turn_out_far_down(read, monkeypatch):
    monkeypatch.setattr(text_blocks, "BYTES", 50)
    text = "a,b\n" + "1,x\n" * 100 + "2,é\n"
    assert read(text.encode("latin-1"))["b"][-1] == "é"


def test_text_far_down_makes_a_column_text_as_it_was_written(read, monkeypatch):
    monkeypatch.setattr(text_blocks, "BYTES", 50)
    table = read("a,b\n" + "1.50,2.50\n" * 100 + "x,3\n1,2\n" * 20)
    assert (table.kind("a"), table.given("a")[0], table["a"][100]) == ("category", "1.50", "x")
    assert (table.kind("b"), len(table)) == ("number", 140)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_large_file_is_read_in_chunks_with_its_lines(read, monkeypatch, end):
    monkeypatch.setattr(text_blocks, "BYTES", 7)
    rows = [f'{i},"t{i}{end}u"' if i % 4 == 1 else f"{i},t{i}" for i in range(40)]
    table = read(end.join(["a,b", "", *rows]))
    assert table["a"] == [str(i) for i in range(40)]
    assert table["b"][5] == f"t5{end}u"
    # each row of two lines moves those after it
    assert [table.place(i).split()[-1] for i in (0, 1, 2, 39)] == ["3", "5", "6", "52"]


def test_thousands_of_columns_are_read(read):
    names = [f"c{i}" for i in range(3000)]
    table = read("\n".join(",".join(row) for row in [names, *[["1"] * 3000] * 3]))
    assert (len(table.names), len(table)) == (3000, 3)
    assert sum(sum(table.numbers(name)) for name in names) == 9000


def test_kinds_can_be_given(read):
    table = read("zip,n\n01,1\n02,2\n", kinds={"zip": "category"})
    assert (table["zip"], table.kind("zip"), table.kind("n")) == (
        ["01", "02"],
        "category",
        "number",
    )
    with pytest.raises(ArgumentError, match="unknown kind of column 'text'"):
        read("a\n1\n", kinds={"a": "text"})
    with pytest.raises(DataError, match=r"t.csv, line 2, column 'a': 'x' is not a finite number"):
        read("a\nx\n", header=True, kinds={"a": "number"}).numbers("a")


def test_every_cell_can_be_kept_as_it_was_written(read):
    table = read("a,b\n1.50,NA\n007,\n", text=True)
    assert (table.given("a"), table.given("b")) == (["1.50", "007"], ["NA", ""])
    assert table.kind("a") == "number"


# --- what is refused --------------------------------------------------------------------------


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(DataError, match=r"none.csv cannot be read: No such file"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(DataError, match="cannot be read: Is a directory"):
        read_table(tmp_path)


@pytest.mark.parametrize("path", [0, None, {"a": [1]}])
def test_what_is_no_file_is_named(path):
    with pytest.raises(
        ArgumentError, match=rf"or an open file, not {re.escape(str(path))}; of columns"
    ):
        read_table(path)


def test_a_path_that_no_file_can_have_is_named():
    with pytest.raises(ArgumentError, match=r"'a\\x00b' cannot be the path of a file; give it as"):
        read_table("a\0b")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("\n \n", "is empty"),
        ("age,sex\n", "has only a header; if it is a row, say that there is no header"),
        ("a,b\n1,2\n3\n5,6\n", r"line 3: 1 cell, and 2 cells in the first row, line 1; every row"),
        (
            "150,4,setosa\n1,2\n3,4\n",
            r"line 2: 2 cells.*as only the first differs, skip it \(skip_r",
        ),
        ("# by me\n# a, b\na,b,c\n1,2,3\n", r"right\?\); lines above the table can be"),
        (
            "150,4,setosa\n1,2,0\n3,4,1\n",
            r"cell 3, 'setosa', stands above numbers.*Skip that row, or say",
        ),
        ("a,b,a\n1,2,3\n", "is called 'a'; rename them, or skip that row and say"),
        ('a,b\n1,"2\n', "line 2: unexpected end of data; look for a double quote"),
        ('a,b\n1,"2"3\n', "line 2: .*double quote"),
        (b"\xef\xbb\xbfa,b\n1,\xff\n", "is not utf-8-sig text .*say which encoding it has, such"),
        (b"PK\3\4\0\0\0", "is not a text table: it contains zero bytes"),
        (gzip.compress(b"a,b\n1,2\n", mtime=0)[:-3], "damaged gzip file"),
        (gzip.compress(b"a,b\n1,2\n", mtime=0)[:10] + b"junk" * 5, "damaged gzip file"),
        (
            "a,b\n1,2\n".encode("utf-16-le"),
            "contains zero bytes; .*; if it is text, say",
        ),
    ],
)
def test_a_file_that_is_no_table_is_refused(read, text, message):
    with pytest.raises(DataError, match=message):
        read(text)


def test_a_cell_too_large_for_the_csv_module_is_refused(read):
    with pytest.raises(DataError, match="line 2: field larger than field limit"):
        read("a,b\n1," + "x" * 200_000 + "\n")


@pytest.mark.parametrize("delimiter", ["", ",,", "\n", '"'])
def test_a_delimiter_is_one_character(read, delimiter):
    with pytest.raises(ArgumentError, match="a delimiter is one character"):
        read("a,b\n1,2\n", delimiter=delimiter)


@pytest.mark.parametrize("encoding", ["utf-9", "base64"])
def test_an_unknown_encoding_is_named(read, encoding):
    with pytest.raises(ArgumentError, match=f"unknown encoding '{encoding}'"):
        read("a\n1\n", encoding=encoding)


def test_the_line_of_a_wrong_row_is_known_far_down(read, monkeypatch):
    monkeypatch.setattr(text_blocks, "BYTES", 50)
    with pytest.raises(DataError, match="line 102: 3 cells, and 2 cells in the first row, line 1"):
        read("a,b\n" + "1,2\n" * 100 + "1,2,3\n")
    with pytest.raises(DataError, match="line 103: unexpected end of data; look for a double"):
        read("a,b\n" + "1,2\n" * 100 + '1,"2\n3')


def test_a_negative_number_of_rows_to_skip_is_refused(read):
    with pytest.raises(ArgumentError, match="skip_rows is a number of lines"):
        read("a\n1\n", skip_rows=-1)
