"""``baregrad play``: it prints an address, serves it and ends with Ctrl-C."""

import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

pytest.importorskip("starlette", reason="pip install 'baregrad[play]'")
pytest.importorskip("uvicorn", reason="pip install 'baregrad[play]'")


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent differently there")
def test_it_serves_its_address_until_ctrl_c():
    command = [sys.executable, "-m", "baregrad", "play", "--no-browser"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as run:
        try:
            address = re.search(r"http://127\.0\.0\.1:\d+/\S+/", run.stdout.readline())[0]
            with urllib.request.urlopen(address, timeout=60) as page:
                assert b"<title>baregrad playground</title>" in page.read()
            with pytest.raises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(address[:-3] + "/", timeout=60)
            with caught.value:
                assert caught.value.code == 403
        finally:
            run.send_signal(signal.SIGINT)
        _, errors = run.communicate(timeout=120)
    assert (run.returncode, errors) == (0, "")


def test_without_the_extra_it_says_what_to_install(cli, monkeypatch):
    monkeypatch.setitem(sys.modules, "baregrad.play.server", None)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "baregrad.play.server")
    result = cli("play", "--no-browser")
    assert result.code == 1
    assert "pip install 'baregrad[play]'" in result.err


def test_an_impossible_port_is_refused(cli):
    result = cli("play", "--no-browser", "--port", "99999")
    assert (result.code, "port 99999 cannot be used" in result.err) == (1, True)


@pytest.fixture
def served(monkeypatch):
    """The sessions that the command would have served."""
    sessions = []
    serve = lambda session, port, opened: sessions.append(session)
    monkeypatch.setattr("baregrad.play.server.serve", serve)
    return sessions


def table(folder):
    rows = "".join(f"{i};{i % 3};{'ab'[i % 2]}\n" for i in range(30))
    (folder / "t.csv").write_text("size;kind;name\n" + rows)


@pytest.mark.parametrize(("words", "target"), [((), "name"), (("--target", "size"), "size")])
def test_it_learns_from_the_table_it_is_given(cli, tmp_path, served, words, target):
    table(tmp_path)
    assert cli("play", "t.csv", *words).code == 0
    (session,) = served
    assert (session.settings.data, session.settings.target) == ("csv", target)


def test_a_table_or_target_that_is_not_there_is_said(cli, tmp_path, served):
    table(tmp_path)
    missing = cli("play", "u.csv")
    assert (missing.code, "u.csv" in missing.err) == (1, True)
    other = cli("play", "t.csv", "--target", "colour")
    assert (other.code, "no column 'colour'" in other.err) == (1, True)
    alone = cli("play", "--target", "size")
    assert (alone.code, "--target is for a FILE.csv" in alone.err) == (2, True)
    assert served == []
