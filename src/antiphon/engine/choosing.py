"""Choosing: what a request says about who should answer it, as the router wants to hear it.

Models are named, or left to the gateway (`model: auto`). A session goes back to the target that served it
last, whose prompt cache is warm; thoughts go back to the provider that sealed them. All of that is a wish: a
target that is doing badly comes last whatever it is tied to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from antiphon.core.records import Caller, Target
from antiphon.protocol.errors import InvalidRequest
from antiphon.protocol.json import JSON, encode
from antiphon.protocol.request import ROUTING, CreateResponse
from antiphon.routing.affinity import Affinity
from antiphon.routing.asked import Asked, Needs
from antiphon.routing.automatic import AUTOMATIC, signs
from antiphon.routing.names import Member, Names
from antiphon.routing.preferences import preferences
from antiphon.routing.router import Moment, Route

_BYTES_A_TOKEN = 4
_MOST_SHOWN = 50
_MEDIA = {"input_image": "image", "input_file": "file", "input_audio": "audio"}


class Routing(Protocol):
    """Whoever orders targets; see antiphon.routing.router."""

    def route(self, asked: Asked, moment: Moment) -> Route: ...


class Chooser:
    """`everything`: the names that `model: auto` chooses from when the request gives none. `clock` only goes
    forward; `date` is today's in UTC, ISO; `draw` gives a number of 32 bits, by chance.
    """

    def __init__(
        self,
        router: Routing,
        names: Names,
        everything: tuple[str, ...],
        affinity: Affinity,
        clock: Callable[[], float],
        date: Callable[[], str],
        draw: Callable[[], int],
    ) -> None:
        self._router = router
        self._names = names
        self._everything = everything
        self._affinity = affinity
        self._clock = clock
        self._date = date
        self._draw = draw

    def check(self, request: CreateResponse) -> Route | None:
        """Whether all names are known. Raises InvalidRequest, so that nothing else is done in vain.

        Most requests leave nothing to choose: they name one target, and wish nothing. Their route is told.
        """
        if _leaves_no_choice(request):
            members = self._members(request.model, "model")
            return Route((members[0].target,), (request.model,), ()) if len(members) == 1 else None
        for name, param in _named(request):
            if param == "model" and name in AUTOMATIC:
                continue
            self._members(name, param)
        if request.router_candidates and request.model not in AUTOMATIC:
            raise InvalidRequest(
                "'router_candidates' are chosen from only where the model is left to the gateway: write "
                "'model': 'auto', or leave them out.",
                param="router_candidates",
            )
        return None

    def asked(
        self, caller: Caller, request: CreateResponse, items: Sequence[JSON], sealed_by: str | None
    ) -> Asked:
        """`items`: history and input; `sealed_by`: the provider of the latest sealed thought among them."""
        automatic = request.model in AUTOMATIC
        wanted = preferences(request.providers or request.provider, request.route)
        first: tuple[Target | str, ...] = () if sealed_by is None else (sealed_by,)
        if (session := session_of(request)) is not None:
            last = self._affinity.target(caller.project_id, session, self._clock())
            first = first if last is None else (last, *first)
        sized = automatic or wanted.require_parameters
        choices = self._automatic(request) if automatic else (request.model,)
        return Asked(
            names=(*choices, *(request.fallbacks or ()), *(request.models or ())),
            choices=len(choices) if automatic else 0,
            preferences=wanted,
            needs=Needs(_needs(request, items), required=automatic) if sized else Needs(),
            input_tokens=len(encode(list(items))) // _BYTES_A_TOKEN if sized else 0,
            output_tokens=(request.max_output_tokens or 0) if sized else 0,
            difficulty=_difficulty(request, items) if automatic else 0.0,
            first=first,
        )

    def route(self, asked: Asked) -> Route:
        """Raises InvalidRequest `no_target`."""
        return self._router.route(asked, self._moment())

    def explained(self, asked: Asked, route: Route, request: CreateResponse) -> JSON | None:
        """Why this route: where there was a choice, or the client wants to know."""
        if len(route.considered) == 1 and ROUTING not in request.include:
            return None
        return explanation(asked, route)

    def explain(self, asked: Asked) -> JSON:
        """The route that would be taken now. Raises InvalidRequest `no_target`."""
        return explanation(asked, self.route(asked))

    def _members(self, name: str, param: str) -> Sequence[Member]:
        try:
            return self._names.members(name)
        except InvalidRequest as error:
            error.param = param
            raise

    def _moment(self) -> Moment:
        return Moment(self._clock(), self._date(), self._draw())

    def served(self, caller: Caller, request: CreateResponse, target: Target) -> None:
        """The response is complete: the session's next request should go there too."""
        if (session := session_of(request)) is not None:
            self._affinity.served(caller.project_id, session, target, self._clock())

    def _automatic(self, request: CreateResponse) -> tuple[str, ...]:
        names = tuple(request.router_candidates or self._everything)
        if not names:
            raise InvalidRequest(
                "No models are listed here to choose from: name some in 'router_candidates', or list them in "
                "the configuration (providers.<name>.models).",
                code="no_target",
                param="router_candidates",
            )
        return names


def explanation(asked: Asked, route: Route) -> JSON:
    """The route as clients see it: who is asked, in which order, and why nobody else."""
    shown: JSON = {"targets": [target.public_name for target in route.targets[:_MOST_SHOWN]]}
    if asked.choices:
        shown["difficulty"] = asked.difficulty
    shown["considered"] = [
        {
            "target": each.name,
            "dropped": each.dropped,
            "input_price": None if each.input_rate is None else each.input_rate / 1e9,
            "output_price": None if each.output_rate is None else each.output_rate / 1e9,
        }
        for each in route.considered[:_MOST_SHOWN]
    ]
    return shown


def session_of(request: CreateResponse) -> str | None:
    """What names the session; the two have different meanings, so that they are kept apart."""
    if request.session_id is not None:
        return f"session:{request.session_id}"
    return None if request.prompt_cache_key is None else f"cache:{request.prompt_cache_key}"


def _leaves_no_choice(request: CreateResponse) -> bool:
    """As far as it does not depend on what its one name means."""
    return not (
        request.fallbacks
        or request.models
        or request.router_candidates
        or request.providers
        or request.provider
        or request.route
        or request.model in AUTOMATIC
        or "routing" in (request.include or ())
    )


def _named(request: CreateResponse) -> Iterable[tuple[str, str]]:
    """Each name, and the field where it stands, in the order to try."""
    yield request.model, "model"
    for at, name in enumerate(request.fallbacks or ()):
        yield name, f"fallbacks[{at}]"
    for at, name in enumerate(request.models or ()):
        yield name, f"models[{at}]"
    for at, name in enumerate(request.router_candidates or ()):
        yield name, f"router_candidates[{at}]"


def _needs(request: CreateResponse, items: Sequence[JSON]) -> frozenset[str]:
    """In the words of the catalogue."""
    needs = {word for item in items for word in _media(item)}
    if request.tools:
        needs.add("tools")
    if ((request.text or {}).get("format") or {}).get("type") == "json_schema":
        needs.add("json_schema")
    if (request.reasoning or {}).get("effort") not in (None, "none"):
        needs.add("reasoning")
    return frozenset(needs)


def _media(item: JSON) -> Iterable[str]:
    for content in (item.get("content"), item.get("output")):
        if isinstance(content, list):
            for part in content:
                if isinstance(part, dict) and (word := _MEDIA.get(part.get("type", ""))):
                    yield word


def _difficulty(request: CreateResponse, items: Sequence[JSON]) -> float:
    text = request.text or {}
    return signs(
        items,
        request.tools,
        (request.reasoning or {}).get("effort"),
        schema=((text.get("format") or {}).get("type") or "text") != "text",
    ).difficulty
