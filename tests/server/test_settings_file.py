"""Settings that change while the service runs."""

import asyncio
import itertools
import logging
import tomllib

import pytest

from molsys_chat_server.models.models import Models
from molsys_chat_server.settings.file import NEEDS_RESTART, SettingsFile

QUESTION = "How do I select satellites by altitude?"


@pytest.fixture
def followed(serve, tmp_path):
    """A service that follows a file, and what writes it."""
    path = tmp_path / "chat.toml"

    def write(text: str) -> None:
        new = path.with_suffix(".new")
        new.write_text(f"index_check_s = 0.05\n{text}", encoding="utf-8")
        new.replace(path)

    def start(text: str):
        write(text)
        given = {"records_db": tmp_path / "feedback.sqlite", "requests_per_minute": 0}
        values = tomllib.loads(path.read_text(encoding="utf-8"))
        return serve(app={"settings_file": SettingsFile(path, given)}, **values), write

    return start


def served_by(server) -> list[str]:
    return [each["server"] for each in server.get("/readyz").json()["replicas"]]


def test_another_model_without_a_restart(followed, fake_models, wait_until) -> None:
    first, second = fake_models(), fake_models()
    first.says("First [1].")
    second.says("Second [1].")
    server, write = followed(f'model_url = "{first.url}"')
    assert server.ask(QUESTION).json()["answer"] == "First [1]."
    write(f'model_url = "{second.url}"\nmodel_name = "new"')
    wait_until(lambda: server.ask(QUESTION).json()["answer"] == "Second [1].")
    assert server.ask(QUESTION).json()["model"] == "new"
    assert server.get("/readyz").json()["settings"] == {
        "ok": True, "problem": "", "waiting_for_restart": [],
    }  # fmt: skip


def test_an_answer_in_the_making_ends_with_the_old_model(
    followed, fake_models, streaming, wait_until
) -> None:
    first, second = fake_models(), fake_models()
    changed = asyncio.Event()

    async def script(connection) -> None:
        await connection.begin()
        await connection.delta(content="First ")
        for n in itertools.takewhile(lambda _: not changed.is_set(), itertools.count()):
            await connection.delta(content=f"{n:b} ")
            await asyncio.sleep(0.02)
        await connection.delta(content="last [1].")
        await connection.end()

    first.script = script
    second.says("Second [1].")
    server, write = followed(f'model_url = "{first.url}"')
    with streaming(server, QUESTION) as events:
        while next(events)[0] != "token":
            pass
        write(f'model_url = "{second.url}"\nmodel_check_s = 0.05')
        wait_until(lambda: served_by(server) == [f"127.0.0.1:{second.port}/v1"])
        assert server.ask(QUESTION).json()["answer"] == "Second [1]."
        first._loop.call_soon_threadsafe(changed.set)
        *_, (name, done) = events
    assert (name, done.get("degraded"), done["kind"]) == ("done", None, "generated")
    service = server.app.state.service
    wait_until(lambda: not service._retired, 20)


def test_a_wrong_file_is_refused_and_the_old_settings_stay(
    followed, fake_model, wait_until, caplog
) -> None:
    fake_model.says("Yes [1].")
    server, write = followed(f'model_url = "{fake_model.url}"')
    assert server.metric("molsys_chat_settings_up") == 1
    for text, told in [
        ('model_url = "nonsense"', "give a whole address"),
        ("temperature = [", "no valid TOML"),
        (
            f'model_url = "{fake_model.url}"\ntokenizer = "none"',
            "neither a file nor one of tiktoken's",
        ),
    ]:
        write(text)
        wait_until(lambda told=told: told in server.get("/readyz").json()["settings"]["problem"])
        state = server.get("/readyz").json()
        assert state["ready"] is True
        assert state["degraded"] is True
        assert server.ask(QUESTION).json()["answer"] == "Yes [1]."
        wait_until(lambda: server.metric("molsys_chat_settings_up") == 0)
    assert "the settings stay as they were" in caplog.text
    write(f'model_url = "{fake_model.url}"\ntemperature = 0.7')
    wait_until(lambda: server.get("/readyz").json()["settings"]["ok"])
    server.ask(QUESTION)
    assert fake_model.chats[-1]["temperature"] == 0.7


def test_limits_change_too(followed, wait_until) -> None:
    server, write = followed("")
    assert server.ask(QUESTION).status_code == 200
    write('api_keys = ["secret"]')
    wait_until(lambda: server.ask(QUESTION).status_code == 401)
    write("max_question_characters = 100")
    wait_until(lambda: server.ask("x" * 200).status_code == 413)


def test_what_needs_a_restart_is_told(followed, wait_until, caplog) -> None:
    server, write = followed("")
    with caplog.at_level(logging.WARNING):
        write("port = 1234\ndefault_k = 2")
        wait_until(lambda: len(server.ask(QUESTION).json()["sources"]) == 2)
    assert server.get("/readyz").json()["settings"]["waiting_for_restart"] == ["port"]
    assert "these settings change at the next start: port" in caplog.text


def test_a_file_that_goes_is_a_problem_and_nothing_else(followed, wait_until, tmp_path) -> None:
    server, _ = followed("default_k = 3")
    (tmp_path / "chat.toml").unlink()
    wait_until(lambda: not server.get("/readyz").json()["settings"]["ok"])
    assert len(server.ask(QUESTION).json()["sources"]) == 3


def test_models_that_stay_the_same_keep_their_connections(settings) -> None:
    url, other = "http://127.0.0.1:1/v1", "http://127.0.0.1:2/v1"

    async def main() -> None:
        before = Models(settings(roles={"answer": {"urls": [url]}, "router": {"urls": [other]}}))
        same = Models(
            settings(
                context_tokens=500,
                roles={"answer": {"urls": [url], "temperature": 1}, "router": {"urls": [other]}},
            ),
            before,
        )
        assert same.router is before.router
        assert same.main is not before.main
        await before.close(but=same.all)
        await same.close()

    asyncio.run(main())


def test_what_needs_a_restart_exists(settings) -> None:
    assert type(settings()).model_fields.keys() >= NEEDS_RESTART
