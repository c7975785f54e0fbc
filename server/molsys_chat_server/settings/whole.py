"""All settings of the service."""

from pydantic_settings import BaseSettings, SettingsConfigDict

from molsys_chat_server.settings.admitting import AdmittingSettings
from molsys_chat_server.settings.connecting import ConnectingSettings
from molsys_chat_server.settings.limiting import LimitingSettings
from molsys_chat_server.settings.observing import ObservingSettings
from molsys_chat_server.settings.problems import ENV_PREFIX
from molsys_chat_server.settings.publishing import PublishingSettings
from molsys_chat_server.settings.recording import RecordingSettings
from molsys_chat_server.settings.serving import ServingSettings
from molsys_chat_server.settings.writing import WritingSettings


class Settings(
    ServingSettings,
    PublishingSettings,
    WritingSettings,
    AdmittingSettings,
    LimitingSettings,
    RecordingSettings,
    ConnectingSettings,
    ObservingSettings,
    BaseSettings,
):
    """What the service is told; every field has its unit and meaning in its description."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        validate_default=True,
        protected_namespaces=(),
        hide_input_in_errors=False,
    )
