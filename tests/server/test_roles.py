"""Which model does what: roles, variants, the router, a model for long prompts."""

import asyncio
import sqlite3
from collections import Counter
from contextlib import closing

import pytest

from molsys_chat_server.errors import ModelGarbageError, SettingsError
from molsys_chat_server.models.models import Models
from molsys_chat_server.models.roles import resolve_roles
from molsys_chat_server.question.reader import Reader
from molsys_chat_server.settings import load_settings

QUESTION = "How do I select satellites by altitude?"
URL = "http://127.0.0.1:1/v1"
OTHER = "http://127.0.0.1:2/v1"


def load(tmp_path, text: str, **overrides):
    path = tmp_path / "chat.toml"
    path.write_text(text, encoding="utf-8")
    return load_settings(path, **overrides)


def test_simple_settings_are_the_answer_role(settings) -> None:
    told = settings(
        model_url="http://a:1, http://b:2/v1", model_name="m", temperature=0.4, model_concurrency=3
    )
    role = resolve_roles(told).answer
    assert role is not None
    assert role.urls == ("http://a:1/v1", "http://b:2/v1")
    assert (role.model, role.sampling.temperature, role.concurrency) == ("m", 0.4, 3)
    assert resolve_roles(settings()).answer is None


def test_several_addresses_as_a_list(tmp_path) -> None:
    told = load(tmp_path, f'model_url = ["{URL}", "{OTHER}"]')
    assert told.model_urls == (URL, OTHER)


def test_a_role_takes_from_answer_what_it_leaves_out(tmp_path) -> None:
    told = load(
        tmp_path,
        f"""
        model_api_key = "secret"
        temperature = 0.3
        context_tokens = 900
        [roles.answer]
        urls = ["{URL}"]
        model = "small"
        top_p = 0.9
        seed = 7
        tokenizer = "o200k_base"
        extra_body = {{ top_k = 20 }}
        [roles.long_context]
        urls = ["{OTHER}"]
        context_length = 32768
        [roles.validator]
        [roles.router]
        model = "judge"
        timeout_s = 1.5
        """,
    )
    roles = resolve_roles(told)
    answer, longer, router, validator = (
        roles.answer, roles.long_context, roles.router, roles.validator,
    )  # fmt: skip
    assert answer is not None
    assert (answer.model, answer.sampling.top_p, answer.sampling.seed) == ("small", 0.9, 7)
    assert answer.sampling.temperature == 0.3
    assert longer is not None
    assert (longer.urls, longer.model, longer.context_length) == ((OTHER,), "", 32768)
    assert longer.sampling == answer.sampling
    assert (longer.api_key, longer.tokenizer, longer.extra_body) == ("", "", {}), (
        "another server is not told this one's key, and its model counts in other tokens"
    )
    assert router is not None
    assert (router.urls, router.model, router.api_key) == ((URL,), "judge", "secret")
    assert (router.sampling.temperature, router.waits.total_s) == (0.0, 1.5)
    assert router.tokenizer == ""
    assert validator is not None
    assert (validator.model, validator.extra_body) == ("small", {"top_k": 20})
    assert validator.waits.total_s == 2.0
    assert "secret" not in repr(answer)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f'model_url = "{URL}"\n[roles.answer]\nurls = ["{URL}"]', "both set: keep one"),
        ("[roles.router]", "roles need an answer model"),
        ('[[roles.answer.variants]]\nname = "b"\nshare = 0.5', "roles need an answer model"),
        (
            f'model_url = "{URL}"\n'
            '[[roles.answer.variants]]\nname = "b"\nshare = 0.6\n'
            '[[roles.answer.variants]]\nname = "c"\nshare = 0.6',
            "add up to more than 1",
        ),
        (
            f'model_url = "{URL}"\n'
            '[[roles.answer.variants]]\nname = "b"\nshare = 0.1\n'
            '[[roles.answer.variants]]\nname = "b"\nshare = 0.1',
            "two variants have one name",
        ),
        ('[roles.answer]\nurls = ["localhost"]', "give a whole address"),
        (f'[roles.answer]\nurls = ["{URL}", "{URL}"]', "stands there twice"),
        (
            "[roles.answer]\ntemprature = 1",
            "'roles.answer.temprature' in .*; did you mean 'roles.answer.temperature'",
        ),
        ("[roles.anwser]", "did you mean 'roles.answer'"),
        ("[roles.answer]\ntop_p = 2", r"roles.answer.top_p = 2.*MOLSYS_CHAT_ROLES__ANSWER__TOP_P"),
    ],
)
def test_wrong_roles_are_refused_in_one_line(tmp_path, text, told) -> None:
    with pytest.raises(SettingsError, match=told) as refused:
        load(tmp_path, text)
    assert "\n" not in str(refused.value)


def test_a_key_in_a_wrong_role_is_not_shown(tmp_path) -> None:
    with pytest.raises(SettingsError) as refused:
        load(tmp_path, '[roles.answer]\napi_key = ["secret"]')
    assert "secret" not in str(refused.value)


def test_roles_in_the_environment(tmp_path, monkeypatch, caplog) -> None:
    monkeypatch.setenv("MOLSYS_CHAT_ROLES__LONG_CONTEXT__API_KEY", "secret")
    told = load(
        tmp_path, f'model_url = "{URL}"\n[roles.long_context]\nurls = "{OTHER}"\nmodel = "big"'
    )
    longer = resolve_roles(told).long_context
    assert longer is not None
    assert (longer.api_key, longer.model) == ("secret", "big")
    assert "is no setting" not in caplog.text
    monkeypatch.setenv("MOLSYS_CHAT_ROLES", "{")
    with pytest.raises(SettingsError, match="must be JSON"):
        load_settings()


@pytest.mark.parametrize("way", ["environment", "argument"])
def test_an_address_given_over_the_file_is_asked(tmp_path, monkeypatch, way) -> None:
    text = f"""
    [roles.answer]
    urls = ["{URL}"]
    temperature = 0.7
    [[roles.answer.variants]]
    name = "b"
    share = 0.5
    """
    given = {"model_url": OTHER} if way == "argument" else {}
    if way == "environment":
        monkeypatch.setenv("MOLSYS_CHAT_MODEL_URL", OTHER)
    roles = resolve_roles(load(tmp_path, text, **given))
    assert roles.answer is not None
    assert roles.answer.urls == (OTHER,)
    assert roles.answer.sampling.temperature == 0.7
    assert roles.variants == ()


@pytest.fixture
def ask_role(settings, fake_model):
    """Let a role's model do something."""

    def run(role: str, act):
        async def main():
            roles = {"answer": {"urls": [fake_model.url]}, role: {}}
            models = Models(settings(roles=roles))
            try:
                return await act(getattr(models, role))
            finally:
                await models.close()

        return asyncio.run(main())

    return run


ASKED = [{"role": "user", "content": "Is it so?"}]


def test_a_choice_is_asked_for_as_structured_output(ask_role, fake_model) -> None:
    fake_model.says("ye", "s")
    assert ask_role("validator", lambda model: model.choose(ASKED, ["yes", "no"])) == "yes"
    sent = fake_model.chats[0]
    assert sent["structured_outputs"] == {"choice": ["yes", "no"]}
    assert (sent["temperature"], sent["messages"]) == (0.0, ASKED)
    assert sent["max_tokens"] < 100


@pytest.mark.parametrize("said", ["Yes, they do.", '"yes"', " YES\n", "**Yes**"])
def test_a_server_that_knows_no_structured_output_is_understood(ask_role, fake_model, said) -> None:
    fake_model.says(said)
    assert ask_role("router", lambda model: model.choose(ASKED, ["yes", "no"])) == "yes"


def test_an_answer_that_is_no_choice(ask_role, fake_model) -> None:
    fake_model.says("Perhaps.")
    with pytest.raises(ModelGarbageError, match="none of yes, no"):
        ask_role("router", lambda model: model.choose(ASKED, ["yes", "no"]))


def test_an_object_is_filled_by_its_schema(ask_role, fake_model) -> None:
    schema = {"type": "object", "properties": {"supported": {"type": "boolean"}}}
    fake_model.says('{"supported"', ": true}")
    assert ask_role("validator", lambda model: model.fill(ASKED, schema)) == {"supported": True}
    assert fake_model.chats[0]["structured_outputs"] == {"json": schema}
    fake_model.says("[1]")
    with pytest.raises(ModelGarbageError, match="no JSON object"):
        ask_role("validator", lambda model: model.fill(ASKED, schema))


def test_what_is_set_for_a_role_is_sent(serve, fake_model) -> None:
    fake_model.says("Yes [1].")
    role = {
        "urls": [fake_model.url],
        "model": "m",
        "top_p": 0.8,
        "seed": 3,
        "max_tokens": 99,
        "extra_body": {"top_k": 20, "chat_template_kwargs": {"enable_thinking": False}},
    }
    answer = serve(roles={"answer": role}).ask(QUESTION).json()
    assert answer["model"] == "m"
    sent = fake_model.chats[0]
    assert (sent["model"], sent["top_p"], sent["seed"], sent["max_tokens"]) == ("m", 0.8, 3, 99)
    assert sent["top_k"] == 20
    assert sent["chat_template_kwargs"] == {"enable_thinking": False}


def test_variants_share_the_conversations_and_keep_them(serve, fake_models, tmp_path) -> None:
    first, second = fake_models(), fake_models()
    first.says("First [1].")
    second.says("Second [1].")
    variant = {"name": "candidate", "share": 0.5, "urls": [second.url]}
    server = serve(roles={"answer": {"urls": [first.url], "variants": [variant]}})
    written: Counter[str] = Counter()
    for n in range(24):
        answers = [server.ask(f"How do I select {n} satellites by altitude?").json() for _ in "ab"]
        assert answers[0]["model"] == answers[1]["model"]
        assert (
            answers[0]["answer"]
            == {"tiny": "First [1].", "candidate": "Second [1]."}[answers[0]["model"]]
        )
        written[answers[0]["model"]] += 1
    assert min(written["tiny"], written["candidate"]) >= 5
    assert server.metric("molsys_chat_model_answers_total", model="candidate") == (
        2 * written["candidate"]
    )
    vote = {"id": answers[0]["id"], "vote": "up"}
    assert server.post("/v1/feedback", json=vote).status_code == 200
    with closing(sqlite3.connect(tmp_path / "feedback.sqlite")) as votes:
        assert votes.execute("SELECT model FROM votes").fetchall() == [(answers[0]["model"],)]
    assert server.metric("molsys_chat_model_votes_total", model=answers[0]["model"], vote="up") == 1


def test_shares_are_kept_to(settings) -> None:
    variants = [
        {"name": "b", "share": 0.2, "urls": [OTHER]},
        {"name": "c", "share": 0.3, "urls": [OTHER]},
    ]
    told = settings(roles={"answer": {"urls": [URL], "name": "a", "variants": variants}})

    async def main() -> Counter[str]:
        models = Models(told)
        writers = [models.writer(Reader("", f"conversation {n}")) for n in range(2000)]
        await models.close()
        return Counter(writer.label for writer in writers if writer is not None)

    counted = asyncio.run(main())
    assert {name: round(count / 2000, 1) for name, count in counted.items()} == {
        "a": 0.5, "b": 0.2, "c": 0.3,
    }  # fmt: skip


@pytest.fixture
def routed(serve, fake_model, fake_models):
    """A service whose router is asked of every question, and the router."""

    def start(**overrides):
        router = fake_models()
        fake_model.says("Written [1].")
        roles = {
            "answer": {"urls": [fake_model.url]},
            "router": {"urls": [router.url], "unsure_from": 0, "unsure_to": 1, **overrides},
        }
        return serve(roles=roles), router

    return start


WINE = "Which wine goes well with a roast chicken?"


@pytest.mark.parametrize("question", [QUESTION, WINE])
@pytest.mark.parametrize(("says", "kind"), [("yes", "generated"), ("no", "not_documented")])
def test_the_router_decides_in_doubt(routed, question, says, kind) -> None:
    server, router = routed()
    router.says(says)
    assert server.ask(question).json()["kind"] == kind
    sent = router.chats[0]["messages"]
    assert question in sent[1]["content"]
    assert "satellites" in sent[1]["content"], "it sees what was found"
    assert server.metric("molsys_chat_router_decisions_total", decision=says) == 1


async def _silence(connection) -> None:
    await connection.closed()


async def _error(connection) -> None:
    await connection.answer("500 Internal Server Error", "{}")


async def _perhaps(connection) -> None:
    await connection.begin()
    await connection.delta(content="Perhaps.")
    await connection.end()


@pytest.mark.parametrize("script", [_silence, _error, _perhaps], ids=lambda each: each.__name__)
def test_retrieval_decides_where_the_router_does_not(routed, script, caplog) -> None:
    server, router = routed(timeout_s=0.4)
    router.script = script
    assert server.ask(QUESTION).json()["kind"] == "generated"
    assert server.ask(WINE).json()["kind"] == "not_documented"
    assert server.metric("molsys_chat_router_decisions_total", decision="failed") == 2
    assert "the router did not decide" in caplog.text


def test_the_router_is_not_asked_where_retrieval_is_sure(routed) -> None:
    server, router = routed(unsure_from=0.45, unsure_to=0.55)
    server.ask(QUESTION)
    server.ask(WINE)
    assert router.chats == []


def test_a_prompt_too_long_goes_to_the_model_for_long_ones(serve, fake_model, fake_models) -> None:
    longer = fake_models()
    fake_model.says("Short [1].")
    longer.says("Long [1].")
    roles = {
        "answer": {"urls": [fake_model.url], "context_length": 2600},
        "long_context": {"urls": [longer.url], "context_length": 32768, "model": "big"},
    }
    server = serve(roles=roles)
    assert server.ask(QUESTION).json()["answer"] == "Short [1]."
    answer = server.ask(QUESTION + " It should work for low orbits." * 120).json()
    assert (answer["answer"], answer["model"]) == ("Long [1].", "big")
    assert "shortened" not in answer


def test_a_prompt_too_long_for_any_is_cut_and_says_so(serve, fake_model) -> None:
    fake_model.max_model_len = 2200
    fake_model.says("Yes [1].")
    server = serve(model_url=fake_model.url, model_check_s=0.1)
    answer = server.ask(QUESTION + " It should work for low orbits." * 120).json()
    assert answer["kind"] == "generated"
    assert "question" in answer["shortened"]
    sent = sum(len(message["content"]) for message in fake_model.chats[0]["messages"])
    assert sent / 3 < 2200 - 700
    assert server.metric("molsys_chat_shortened_answers_total", part="question") == 1
    assert "shortened" not in server.ask(QUESTION).json()
