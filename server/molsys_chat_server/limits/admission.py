"""Who may ask, how often, how much, and how many at once."""

import contextlib
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from molsys_chat_server.errors import KeyRefusedError, RateLimitedError, RequestError
from molsys_chat_server.events import TokenUsage
from molsys_chat_server.limits.allowance import Allowance
from molsys_chat_server.limits.budget import ALL, SPENT, Budget
from molsys_chat_server.limits.clients import UNKNOWN, Clients
from molsys_chat_server.limits.counts import Counts
from molsys_chat_server.limits.keys import Key, KeyRing
from molsys_chat_server.limits.local_counts import Clock
from molsys_chat_server.limits.metrics import AdmissionMetrics, AdmissionState
from molsys_chat_server.limits.origins import check_host, check_origin
from molsys_chat_server.limits.places import Places
from molsys_chat_server.limits.rates import Rate, take
from molsys_chat_server.limits.sessions import HEADER, Session, Sessions
from molsys_chat_server.metrics import Metrics
from molsys_chat_server.settings import Settings

_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class Admitted:
    """Who sent a request that was let in."""

    client: str = UNKNOWN
    """What stands for one client: its address, or the network of an IPv6 one."""
    key: Key | None = None
    """The key that it came with."""
    session: str = ""
    """The session that it came with."""

    @property
    def key_name(self) -> str:
        """The name of its key; empty where it has none that is named."""
        return self.key.name if self.key is not None else ""

    @property
    def counted_as(self) -> str:
        """Whom its answers are counted for: the key, or else the client."""
        return f"key/{self.key_name}" if self.key_name else self.client


class Admission:
    """The checks that a request passes before anything is done for it.

    :param settings: keys, origins, proxies and limits.
    :param metrics: where refusals are counted.
    :param clock: seconds since 1970, for what copies of the service share.
    :raises SettingsError: if the store of counts cannot be used.
    """

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        *,
        clock: Clock = time.time,
    ) -> None:
        self._metrics = metrics
        self._told = AdmissionMetrics(metrics.registry)
        self._counts = Counts(settings.rate_limit_storage)
        self._budget = Budget(self._counts, clock)
        self._places = Places()
        self._own_secret = secrets.token_bytes(_SECRET_BYTES)
        self.follow(settings)
        self._told.watch(self._state)
        metrics.running.set_function(lambda: self._places.taken)

    def follow(self, settings: Settings) -> None:
        """Check requests by other settings from now on; what was counted stays."""
        self._settings = settings
        self._keys = KeyRing([key.get_secret_value() for key in settings.api_keys], settings.keys)
        self._clients = Clients(settings.trusted_proxies)
        keys = [each.get_secret_value().encode() for each in settings.session_secret]
        self._sessions = Sessions(keys or [self._own_secret], settings.session_life_s)

    async def check(self, request: Request) -> Admitted:
        """Let a request pass, or refuse it.

        :raises OriginRefusedError: if another site's page sent it.
        :raises KeyRefusedError: if its key is wrong, or it has none and needs one.
        :raises SessionError: if it needs a session and has none that is valid.
        :raises RateLimitedError: if a limit is reached.
        """
        with self._counting_refusals():
            key = await self._key(request)
            client = self._clients.network(request)
            session = "" if key is not None else self._session(request)
            admitted = Admitted(client, key, session)
            await take(self._counts, self._rates(admitted))
        request.state.admitted = admitted
        if admitted.key_name:
            self._told.key_requests.labels(admitted.key_name).inc()
        return admitted

    async def check_project(self, admitted: Admitted, *projects: str) -> None:
        """Let a request about served projects pass, or refuse it.

        :param projects: the one that is asked about, or all of a group.
        :raises ProjectRefusedError: if its key is not for that project.
        :raises RateLimitedError: if the project's limit is reached.
        """
        with self._counting_refusals():
            if admitted.key is not None:
                admitted.key.check_projects(projects)
            limit = self._settings.project_requests_per_minute
            await take(self._counts, [Rate("project", limit, each) for each in projects])

    def check_name(self, request: Request) -> None:
        """Let a request pass that asks for the service under a name of its own.

        :raises HostRefusedError: if the name is another.
        """
        check_host(request, self._settings.allowed_hosts)

    async def check_newcomer(self, request: Request) -> None:
        """Let a request for a session pass, or refuse it.

        :raises OriginRefusedError: if another site's page asks.
        :raises KeyRefusedError: if its key is wrong, or it has none and needs one.
        :raises RateLimitedError: if its client has begun too many.
        """
        with self._counting_refusals():
            await self._key(request)
            client = self._clients.network(request)
            limit = self._settings.requests_per_minute
            await take(self._counts, [Rate("new_sessions", limit, client)])

    def begin_session(self, request: Request) -> Session:
        """Return a session for the widget."""
        if self._settings.sessions == "off":
            return Session("", 0)
        self._told.sessions.inc()
        return self._sessions.begin(self._holder(request))

    def admitted(self, request: Request) -> Admitted:
        """Return who sent a request, as :meth:`check` found."""
        known: Admitted = getattr(request.state, "admitted", None) or Admitted(
            self._clients.network(request)
        )
        return known

    @contextlib.contextmanager
    def place(self, admitted: Admitted | None = None) -> Iterator[None]:
        """Take one of the places for requests that are answered, until the end of the ``with``.

        :raises RateLimitedError: if the client has as many as it may have.
        :raises UnavailableError: if all are taken.
        """
        with contextlib.ExitStack() as held:
            with self._counting_refusals():
                place = self._places.take(
                    (admitted or Admitted()).counted_as,
                    most=self._settings.max_concurrent_answers,
                    most_of_client=self._settings.max_answers_per_client if admitted else 0,
                )
                held.enter_context(place)
            yield

    def allowance(self, admitted: Admitted, *projects: str) -> Allowance:
        """Return what an answer about projects may cost."""
        limits = {ALL: self._settings.tokens_per_day}
        if each := self._settings.project_tokens_per_day:
            limits |= {f"project/{project}": each for project in projects}
        if admitted.key is not None and admitted.key.tokens_per_day:
            limits[f"key/{admitted.key_name}"] = admitted.key.tokens_per_day

        def charge(usage: TokenUsage) -> None:
            tokens = usage.prompt + usage.answer
            self._budget.charge(tokens, *limits)
            if admitted.key_name:
                self._told.key_tokens.labels(admitted.key_name).inc(tokens)

        return Allowance(SPENT if self._budget.is_spent(limits) else "", charge)

    async def look(self) -> None:
        """Look whether the store of counts is there, and share with it what was used."""
        await self._counts.look()
        await self._budget.share()

    async def close(self) -> None:
        """Share what was used, and close the connections to the store of counts."""
        await self._budget.share()
        await self._counts.close()

    def readiness(self) -> dict[str, Any]:
        """Return how the limits do, as ``/readyz`` says it."""
        problem = self._counts.problem
        return {"ok": not problem, "shared": self._counts.is_shared, "problem": problem}

    async def _key(self, request: Request) -> Key | None:
        """Return the key of a request from a page that may ask."""
        check_origin(request, self._settings.cors_origins)
        try:
            return self._keys.find(request)
        except KeyRefusedError:
            # So that keys cannot be tried out at any speed.
            await take(self._counts, [self._client_rate(self._clients.network(request))])
            raise

    def _holder(self, request: Request) -> tuple[str, str]:
        """Return who alone may use a session that a request begins or carries."""
        return self._clients.network(request), request.headers.get("origin", "")

    def _session(self, request: Request) -> str:
        """Return the id of the session that a request needs; empty where it needs none."""
        if self._settings.sessions == "off":
            return ""
        return self._sessions.check(self._holder(request), request.headers.get(HEADER, ""))

    def _rates(self, admitted: Admitted) -> list[Rate]:
        """Return the limits that a request counts towards, the narrowest first."""
        if admitted.key is not None and admitted.key_name:
            own = [Rate("key", admitted.key.requests_per_minute, admitted.key_name)]
        else:
            own = [self._client_rate(admitted.client)]
        if admitted.session:
            limit = self._settings.session_requests_per_minute
            own.insert(0, Rate("session", limit, admitted.session))
        return [*own, Rate("total", self._settings.total_requests_per_minute)]

    def _client_rate(self, client: str) -> Rate:
        return Rate("client", self._settings.requests_per_minute, client)

    @contextlib.contextmanager
    def _counting_refusals(self) -> Iterator[None]:
        try:
            yield
        except RequestError as error:
            self._told.refused.labels(error.code).inc()
            if isinstance(error, RateLimitedError):
                self._metrics.rate_limited.labels(error.details["limit"]).inc()
            raise

    def _state(self) -> AdmissionState:
        limits = {ALL: self._settings.tokens_per_day}
        limits |= {f"key/{n}": key.tokens_per_day for n, key in self._settings.keys.items()}
        each = self._settings.project_tokens_per_day
        accounts = self._budget.accounts() | {ALL: self._budget.used(ALL)}
        return AdmissionState(
            {name: (used, limits.get(name, each)) for name, used in accounts.items()},
            store_up=not self._counts.problem,
            store_failures=self._counts.failures,
        )
