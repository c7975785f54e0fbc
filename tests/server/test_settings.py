"""Settings: where they come from, and how wrong ones are refused."""

import logging
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from molsys_chat_server.errors import SettingsError
from molsys_chat_server.settings import Settings, load_settings


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "chat.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults_are_valid() -> None:
    settings = load_settings()
    assert settings.indexes == ()
    assert settings.host == "127.0.0.1"
    assert settings.context_tokens == 2000


def test_environment_goes_before_the_file_and_overrides_before_both(tmp_path, monkeypatch) -> None:
    config = write(tmp_path, 'port = 1\ntemperature = 0.5\nmodel_name = "file"\n')
    monkeypatch.setenv("MOLSYS_CHAT_PORT", "2")
    monkeypatch.setenv("MOLSYS_CHAT_MODEL_NAME", "environment")
    settings = load_settings(config, port=3, host=None)
    assert (settings.port, settings.model_name, settings.temperature) == (3, "environment", 0.5)


def test_paths_in_the_file_start_from_its_folder(tmp_path) -> None:
    (tmp_path / "html").mkdir()
    config = write(tmp_path, 'indexes = ["a", "/b"]\ndocs = "html"\nrecords_db = "votes.sqlite"\n')
    settings = load_settings(config)
    assert settings.indexes == (str(tmp_path / "a"), "/b")
    assert settings.docs == tmp_path / "html"
    assert settings.records_place == str(tmp_path / "votes.sqlite")


@pytest.mark.parametrize("value", ["a,b", " a , b ", '["a", "b"]'])
def test_lists_in_the_environment(monkeypatch, value) -> None:
    monkeypatch.setenv("MOLSYS_CHAT_INDEXES", value)
    assert load_settings().indexes == ("a", "b")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"port": 70000}, "setting port = 70000: "),
        ({"port": "many"}, "setting port = 'many': "),
        ({"temperature": -1}, "setting temperature = -1: "),
        ({"docs": "/no/such/folder"}, "there is no such folder"),
        ({"model_url": "localhost:8000"}, "such as http://127.0.0.1:8000/v1"),
        ({"cors_origins": ["https://docs.example.org/path"]}, "is no origin"),
        ({"cors_origins": "docs.example.org"}, "is no origin"),
        ({"trusted_proxies": ["10.0.0.0/99"]}, "10.0.0.0/99"),
        ({"indexes": "[1, 2]"}, "list of strings"),
        ({"indexes": "[oops"}, "no JSON list"),
        ({"model_ulr": "x"}, "did you mean 'model_url'?"),
        ({"max_concurrent_answers": 0}, "MOLSYS_CHAT_MAX_CONCURRENT_ANSWERS"),
    ],
)
def test_wrong_values_are_refused_in_one_line(given, told) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings(**given)
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


def test_unknown_setting_in_the_file(tmp_path) -> None:
    config = write(tmp_path, "temprature = 1\n")
    with pytest.raises(SettingsError, match=r"no setting 'temprature' in .*did you mean 'temp"):
        load_settings(config)


@pytest.mark.parametrize("text", ["port = ", "[[", "port = 1\nport = 2\n"])
def test_file_that_is_no_toml(tmp_path, text) -> None:
    with pytest.raises(SettingsError, match="no valid TOML"):
        load_settings(write(tmp_path, text))


def test_file_that_is_not_there(tmp_path) -> None:
    with pytest.raises(SettingsError, match="cannot read the settings file"):
        load_settings(tmp_path / "none.toml")


def test_unknown_variable_is_told(monkeypatch, caplog) -> None:
    monkeypatch.setenv("MOLSYS_CHAT_MODEL_ULR", "http://127.0.0.1")
    with caplog.at_level(logging.WARNING):
        load_settings()
    assert "MOLSYS_CHAT_MODEL_ULR is no setting" in caplog.text
    assert "did you mean 'model_url'?" in caplog.text


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("http://gpu:8000", "http://gpu:8000/v1"),
        ("http://gpu:8000/", "http://gpu:8000/v1"),
        ("http://gpu:8000/v1/", "http://gpu:8000/v1"),
        ("https://api.example.org/openai/v1", "https://api.example.org/openai/v1"),
        ("", ""),
    ],
)
def test_model_url(given, used) -> None:
    assert load_settings(model_url=given).model_url == used


def test_keys_are_not_shown() -> None:
    settings = load_settings(api_keys=["secret-one"], model_api_key="secret-two")
    assert "secret-" not in repr(settings)
    with pytest.raises(SettingsError) as refused:
        load_settings(api_keys=[{"secret": 1}])
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_described(name) -> None:
    description = Settings.model_fields[name].description
    assert description
    assert description.endswith(".")


def test_records_stay_in_the_users_state_folder(tmp_path) -> None:
    folder = tmp_path / "state" / "molsys-chat"
    assert load_settings().records_place == str(folder / "records.sqlite")


def test_the_votes_file_of_an_earlier_release_goes_on(tmp_path) -> None:
    folder = tmp_path / "state" / "molsys-chat"
    folder.mkdir(parents=True)
    (folder / "feedback.sqlite").touch()
    assert load_settings().records_place == str(folder / "feedback.sqlite")
    (folder / "records.sqlite").touch()
    assert load_settings().records_place == str(folder / "records.sqlite")


def test_the_former_name_of_the_database(tmp_path, monkeypatch) -> None:
    config = write(tmp_path, 'feedback_db = "votes.sqlite"\n')
    with pytest.raises(SettingsError, match=r"'feedback_db' any more in .*called records_db now"):
        load_settings(config)
    monkeypatch.setenv("MOLSYS_CHAT_FEEDBACK_DB", "votes.sqlite")
    with pytest.raises(SettingsError, match="_FEEDBACK_DB is set, but it is called records_db now"):
        load_settings()


def test_a_database_by_its_url(tmp_path) -> None:
    url = "postgresql://chat:secret@db.example.org/chat"
    config = write(tmp_path, f'records_db = "{url}"\n')
    assert load_settings(config).records_place == url
    with pytest.raises(SettingsError, match="begins with postgresql://") as refused:
        load_settings(records_db="mysql://chat:secret@db.example.org/chat")
    assert "secret" not in str(refused.value)


def test_no_part_of_the_settings_hides_a_member_of_another() -> None:
    """Two validators of one name would leave a setting unchecked."""
    parts = [part for part in Settings.__bases__ if part is not BaseSettings]
    names = [name for part in parts for name in vars(part) if not name.startswith(("__", "_abc"))]
    assert {name for name in names if names.count(name) > 1} == {"model_config"}
