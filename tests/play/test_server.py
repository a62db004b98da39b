"""The web around the playground: who is let in, the socket, files, and two tabs."""

import json
import socket
import time
import warnings

import pytest

pytest.importorskip("starlette", reason="pip install 'baregrad[play]'")
pytest.importorskip("uvicorn", reason="pip install 'baregrad[play]'")
pytest.importorskip("httpx", reason="pip install httpx")

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # newer versions would rather have httpx2
    from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

import baregrad as bg
from baregrad.errors import ArgumentError
from baregrad.play import server
from baregrad.play.guard import Guard
from baregrad.play.server import Playground, listening
from baregrad.play.session import Session
from baregrad.play.settings import Settings
from tests.play.reading import unpacked

SMALL = Settings(data="xor", samples=40, hidden=(3,), activations=("tanh",), batch=8)
BASE, TOKEN = "http://127.0.0.1:5", "secret"
TABLE = b"a,b,y\n" + b"".join(b"%d,%d,%d\n" % (i, i * i % 7, 2 * i) for i in range(30))


@pytest.fixture
def playground(tmp_path):
    with Playground(Session(SMALL), tmp_path) as made:
        yield made


@pytest.fixture
def client(playground):
    with TestClient(Guard(playground.app(), TOKEN, 5), base_url=BASE) as made:
        yield made


def tab(client, headers=None):
    return client.websocket_connect(
        f"{BASE}/{TOKEN}/socket".replace("http", "ws"),
        headers={"Host": "127.0.0.1:5", **(headers or {})},
    )


def next_frame(ws):
    """The next frame, and what came before it."""
    ws.send_json({"do": "next"})
    told = []
    while "text" in (message := ws.receive()):
        told.append(json.loads(message["text"]))
    return unpacked(message["bytes"])[0], told


def asked(ws, command):
    ws.send_json(command)
    return json.loads(ws.receive()["text"])


# --- who is let in ------------------------------------------------------------------------------


def test_the_page_and_its_files_are_served_with_strict_headers(client):
    page = client.get(f"/{TOKEN}/")
    assert page.status_code == 200
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert page.headers["referrer-policy"] == "no-referrer"
    for name in ("main.js", "play.css"):
        assert client.get(f"/{TOKEN}/static/{name}").status_code == 200


@pytest.mark.parametrize("path", ["/", "/static/main.js", "/wrong/", "/secre/", "/é/", "//"])
def test_without_the_token_everything_is_forbidden(client, path):
    answer = client.get(path)
    assert answer.status_code == 403
    assert "lacks the token" in answer.text


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1:6", "127.0.0.1", ""])
def test_another_host_name_is_forbidden(client, host):
    answer = client.get(f"/{TOKEN}/", headers={"Host": host})
    assert (answer.status_code, "Host" in answer.text) == (403, True)


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1:5"])
def test_another_origin_is_forbidden(client, origin):
    answer = client.post(f"/{TOKEN}/table", content=TABLE, headers={"Origin": origin})
    assert (answer.status_code, "another page" in answer.text) == (403, True)
    with pytest.raises(WebSocketDisconnect), tab(client, {"Origin": origin}):
        pass


def test_our_own_origin_is_let_in(client):
    with tab(client, {"Origin": "http://127.0.0.1:5"}) as ws:
        assert next_frame(ws)[0]["step"] == 0


@pytest.mark.parametrize(
    "path", ["static/../server.py", "static/%2e%2e/server.py", "static/nothing"]
)
def test_other_files_are_not_served(client, path):
    assert client.get(f"/{TOKEN}/{path}").status_code == 404


# --- the socket ---------------------------------------------------------------------------------


def test_the_first_frame_comes_after_the_description(client):
    with tab(client) as ws:
        frame, told = next_frame(ws)
        assert told[0]["plan"]["settings"]["data"] == "xor"
        assert frame["step"] == 0


def test_a_frame_is_sent_only_when_it_is_asked_for_and_something_is_new(client):
    with tab(client) as ws:
        next_frame(ws)
        ws.send_json({"do": "step"})
        frame, told = next_frame(ws)
        assert (frame["step"], told) == (1, [])


def test_playing_trains_between_frames(client):
    with tab(client) as ws:
        next_frame(ws)
        ws.send_json({"do": "play"})
        steps = [next_frame(ws)[0]["step"] for _ in range(12)]
        assert steps == sorted(steps)
        assert steps[-1] > 0


@pytest.mark.parametrize(
    "text", ["[", "[1]", "{}", "[" * 5000, '{"do": "change", "settings": {"lr": -1}}']
)
def test_what_makes_no_sense_is_answered_and_nothing_changes(client, text):
    with tab(client) as ws:
        next_frame(ws)
        ws.send_text(text)
        assert "error" in json.loads(ws.receive()["text"])
        assert asked(ws, {"do": "backward", "sample": 0})["backward"]


def test_when_the_tab_is_gone_training_pauses(client, playground):
    with tab(client) as ws:
        next_frame(ws)
        ws.send_json({"do": "play"})
        next_frame(ws)
        assert playground.session.playing
    end = time.monotonic() + 60
    while playground.session.playing:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_second_tab_takes_over(client):
    with tab(client) as first:
        next_frame(first)
        first.send_json({"do": "play"})
        next_frame(first)
        with tab(client) as second:
            assert first.receive()["code"] == server.TAKEN_OVER
            frame, told = next_frame(second)
            assert (frame["playing"], "plan" in told[0]) == (False, True)


def test_a_tab_takes_over_from_one_whose_connection_is_just_being_lost(client, monkeypatch):
    async def lost(tab, code):
        raise WebSocketDisconnect(1006)

    with tab(client) as first:
        next_frame(first)
        monkeypatch.setattr(server.WebSocket, "close", lost)
        with tab(client) as second:
            assert next_frame(second)[0]["step"] == 0


def test_trouble_in_training_is_told(client, playground, monkeypatch):
    def broken(seconds):
        if playground.session.playing:
            raise MemoryError("too little")

    monkeypatch.setattr(playground.session, "tick", broken)
    with tab(client) as ws:
        next_frame(ws)
        ws.send_json({"do": "play"})
        while not (frame := next_frame(ws)[0])["message"]:
            pass
        assert (frame["message"], frame["playing"]) == ("MemoryError: too little", False)


# --- files --------------------------------------------------------------------------------------


def test_a_table_is_loaded_and_one_that_is_wrong_refused(client, playground):
    answer = client.post(f"/{TOKEN}/table?name=t.csv", content=TABLE)
    assert answer.json() == {"columns": ["a", "b", "y"], "rows": 30}
    assert playground.session.settings.target == "y"
    answer = client.post(f"/{TOKEN}/table", content=b"a\n1\n2\n")
    assert (answer.status_code, "one column" in answer.json()["error"]) == (400, True)
    assert playground.session.settings.target == "y"


def test_a_table_that_is_too_large_is_refused(client, monkeypatch):
    monkeypatch.setattr(server, "MOST_BYTES", 100)
    answer = client.post(f"/{TOKEN}/table", content=TABLE)
    assert (answer.status_code, "larger than" in answer.json()["error"]) == (413, True)


def test_weights_and_code_can_be_taken_away(client, playground, tmp_path):
    playground.session.advance(3)
    model = client.get(f"/{TOKEN}/playground.safetensors")
    assert "attachment" in model.headers["content-disposition"]
    (tmp_path / "m.safetensors").write_bytes(model.content)
    saved = bg.load_model(tmp_path / "m.safetensors")
    assert saved.training["step"] == 3
    ours = playground.session.trainer.model.layers[0].weight
    assert saved.model.layers[0].weight.tolist() == ours.tolist()
    code = client.get(f"/{TOKEN}/playground.py")
    assert "bg.fit(" in code.text


# --- listening ----------------------------------------------------------------------------------


def test_it_listens_on_the_loopback_interface_alone():
    with listening(0) as found:
        assert found.getsockname()[0] == "127.0.0.1"


def test_a_port_in_use_or_impossible_is_refused():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(ArgumentError, match="cannot be used"):
            listening(other.getsockname()[1])
    with pytest.raises(ArgumentError, match="cannot be used"):
        listening(99999)
