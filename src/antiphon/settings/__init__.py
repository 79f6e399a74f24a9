"""Every setting of the gateway: its name, type, default and the sentence that documents it.

A setting comes from four places; the later one wins:

    default  <  antiphon.yaml  <  environment  <  command line

`limits.body_bytes` in the file is `ANTIPHON_LIMITS_BODY_BYTES` in the environment. The four are read once,
at start (`settings.sources.load`); from then on a Settings is a value that is passed along. Durations are
seconds. What could be a secret is a SecretStr, which prints as asterisks wherever it is shown.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    ByteSize,
    Field,
    SecretStr,
    StringConstraints,
    ValidationInfo,
    field_validator,
)

from antiphon.settings.clouds import ProviderAWS, ProviderEntra
from antiphon.settings.later import Background, Retention
from antiphon.settings.media import Host, Media
from antiphon.settings.places import data_folder
from antiphon.settings.reasoning import Reasoning
from antiphon.settings.routing import Alias, ModelSettings, Name, ProviderPolicy, Routing
from antiphon.settings.section import Section
from antiphon.settings.storing import DatabaseURL, Pepper, RedisPrefix, RedisURL
from antiphon.settings.webhooks import Webhooks
from antiphon.stores import urls

DialectName: TypeAlias = Literal["responses", "chat", "anthropic", "cohere", "converse", "ollama", "gemini"]
FilterName: TypeAlias = Literal["think_tags", "reasoning_tags"]
Seconds: TypeAlias = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
HeaderName: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")]
ProviderName: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]*$")]

DATABASE_FILE = "antiphon.db"


class Log(Section):
    """What the gateway writes to standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least severe messages to write."""

    format: Literal["text", "json"] = "text"
    """`text` for people, `json` for one JSON object per line."""


class Limits(Section):
    """Bounds of what one client, and all of them together, may ask for."""

    body_bytes: Annotated[ByteSize, Field(ge=1024)] = ByteSize(64 * 1024 * 1024)
    """The largest request body, in bytes or with a unit (`64MiB`); a larger one is refused with 413.
    Files and images inside a request count with their base64 length."""

    header_count: Annotated[int, Field(ge=10)] = 100
    """The largest number of header fields of a request."""

    header_bytes: Annotated[ByteSize, Field(ge=1024)] = ByteSize(64 * 1024)
    """The largest size of a request's header fields together."""

    header_timeout: Seconds = 10.0
    """Seconds a client may take to send the head of its request."""

    body_timeout: Seconds = 30.0
    """Seconds a client may be silent while it sends a body."""

    json_depth: Annotated[int, Field(ge=8, le=500)] = 128
    """How deeply the JSON of a request may be nested."""

    in_flight: Annotated[int, Field(ge=1)] = 1000
    """The largest number of responses being made at once; one more is refused with 503."""

    tools: Annotated[int, Field(ge=1)] = 1000
    """The largest number of `tools` of a request."""

    input_items: Annotated[int, Field(ge=1)] = 100_000
    """The largest number of items in the `input` of a request."""


class Stream(Section):
    """How server-sent events are written."""

    heartbeat: Seconds = 15.0
    """Seconds of silence after which a stream gets a `: ping` comment, so that nothing between takes it for
    dead."""

    write_timeout: Seconds = 60.0
    """Seconds in which a client must take what was written to it; then its connection is cut."""

    done_marker: bool = True
    """Whether a stream ends with `data: [DONE]`, as many clients expect."""


class WebSocket(Section):
    """Responses over a WebSocket; docs/websocket.md tells how they are asked for."""

    enabled: bool = True
    """Whether they are served; otherwise a handshake is answered with 426, and agents go on over HTTP."""

    connections: Annotated[int, Field(ge=1)] = 1000
    """The largest number of open WebSockets; one more is refused with 503."""

    lifetime: Seconds = 3600.0
    """Seconds that one may be open. Then it finishes what it has begun, and is closed."""

    in_flight: Annotated[int, Field(ge=1)] = 16
    """The largest number of requests of one connection, those that wait for others included."""

    lanes: Annotated[int, Field(ge=1)] = 32
    """The largest number of lanes (`stream_id`) of one connection."""

    memory: Annotated[ByteSize, Field(ge=0)] = ByteSize(256 * 1024 * 1024)
    """What all connections together may hold of responses that are not stored, so that they can be continued;
    the oldest is forgotten first."""

    origins: list[Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9+.-]*://[^/]+$")]] = []
    """Origins whose web pages may open one, such as `https://chat.example.com`, besides the gateway's own."""


class Requests(Section):
    """Where services that speak the Responses API disagree about a request."""

    min_output_tokens: Annotated[int, Field(ge=1)] = 1
    """The smallest `max_output_tokens` that is accepted (OpenAI asks for 16)."""

    max_output_tokens: Annotated[int, Field(ge=1)] | None = None
    """The largest `max_output_tokens` that is accepted; without it there is no limit but the model's own."""

    max_user_length: Annotated[int, Field(ge=1)] = 512
    """The largest length of `user`, in characters."""

    store: bool = True
    """What `store` is when a request does not say."""

    adaptation: Literal["lenient", "strict"] = "lenient"
    """What `adaptation` is when a request does not say: `strict` refuses what a model cannot be asked exactly
    as it was written, `lenient` adapts it and lists that in the response."""

    retries: Annotated[int, Field(ge=0, le=5)] = 1
    """How often a failure that looks like passing is tried again at the same provider, when there is no
    other target to go to and nothing was said yet. Of the requests to a target, a fifth may be such
    retries."""

    corrections: Annotated[int, Field(ge=0, le=5)] = 2
    """How often a model is asked again when its answer has not the shape that a strict `text.format` asks
    for, or the input of a call is not of its tool's grammar. That concerns providers that do not enforce it
    themselves; each time is a call that costs."""

    on_disconnect: Literal["stop", "finish"] = "stop"
    """What becomes of a response whose client goes away: `stop` ends it and the call to its provider,
    `finish` makes and keeps it all the same, if it is to be stored (`store`)."""

    idempotency_conflict: Literal["conflict", "unprocessable"] = "conflict"
    """What a request is told whose `Idempotency-Key` was sent before with another body: `conflict` is status
    409, `unprocessable` 422 as in the IETF's draft."""

    @field_validator("max_output_tokens")
    @classmethod
    def _leaves_a_choice(cls, largest: int | None, info: ValidationInfo) -> int | None:
        if largest is not None and largest < info.data.get("min_output_tokens", 1):
            raise ValueError("smaller than requests.min_output_tokens")
        return largest


class Timeouts(Section):
    """Deadlines of a call to a model, and of all the calls of a response."""

    connect: Seconds = 5.0
    """Seconds to reach the provider."""

    first_event: Seconds = 120.0
    """Seconds until the first event of a stream. What is not streamed shows nothing before it is whole, so
    that there only `connect` and `total` count."""

    idle: Seconds = 120.0
    """Seconds between two events of a stream."""

    total: Seconds = 900.0
    """Seconds for a whole response: for one call, and for all its calls, retries and corrections together."""


class ProviderTimeouts(Section):
    """Deadlines of one provider; what is left out is as in `timeouts`."""

    connect: Seconds | None = None
    """Seconds to reach this provider."""

    first_event: Seconds | None = None
    """Seconds until its first event."""

    idle: Seconds | None = None
    """Seconds between two of its events."""

    total: Seconds | None = None
    """Seconds for a whole call to it."""


class StaticKey(Section):
    """A gateway key that stands in the configuration instead of the database."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    """Who uses this key; shown in logs and lists."""

    key: Annotated[SecretStr, Field(min_length=16, max_length=200)]
    """The key itself, best written as `${NAME}` so that it stays in the environment."""

    @field_validator("key")
    @classmethod
    def _fits_a_header(cls, key: SecretStr) -> SecretStr:
        if not all("!" <= character <= "~" for character in key.get_secret_value()):
            raise ValueError("a key consists of visible ASCII characters")
        return key


class Simulated(Section):
    """The built-in model that needs no key."""

    enabled: bool = True
    """Whether `sim/…` models are served."""

    script: Path | None = None
    """The rules file of `sim/script`."""


class ProviderSettings(Section):
    """Somebody who serves models. A built-in provider needs only what differs from its built-in values."""

    dialect: DialectName | None = None
    """The language it speaks; needed unless the provider is built in."""

    base_url: str | None = None
    """Where its API begins, such as `https://llm.example.com/v1`; needed unless the provider is built in."""

    api_key: SecretStr | None = None
    """Its key, best written as `${NAME}`. A built-in provider finds it in its usual variable."""

    api_keys: list[Annotated[SecretStr, Field(min_length=1)]] = []
    """More keys of it, taken in turn with `api_key`. One that is at its limit or is refused rests, and a
    request that was refused for it is sent with another at once."""

    service_account: Path | None = None
    """The key file of a Google service account, in place of a key."""

    aws: ProviderAWS = ProviderAWS()
    """The region and the access keys of a provider in AWS, in place of a key."""

    entra: ProviderEntra | None = None
    """Who calls a provider in Azure, as Microsoft Entra ID knows him, in place of a key."""

    headers: dict[HeaderName, SecretStr] = {}
    """Header fields sent with each request, by name."""

    query: dict[str, SecretStr] = {}
    """Query parameters sent with each request, by name."""

    quirks: dict[str, Any] = {}
    """Where it departs from its dialect; the names stand in docs/settings.md."""

    filters: list[FilterName] | None = None
    """What its answers go through: `think_tags` makes thoughts of what stands in `<think>` tags at the
    beginning of a text, `reasoning_tags` of what stands in `<reasoning>` tags. A built-in provider has those
    it needs; `[]` switches them off."""

    timeouts: ProviderTimeouts = ProviderTimeouts()
    """Deadlines of calls to it."""

    models: list[Annotated[str, StringConstraints(min_length=1)]] = []
    """The models it serves; if empty, any name is passed on to it."""

    like: Name | None = None
    """The built-in provider whose models these are: their prices and limits are taken from its catalogue."""

    policy: ProviderPolicy = ProviderPolicy()
    """What it promises about data, and where it computes."""

    enabled: bool = True
    """Whether it is used."""

    @field_validator("base_url")
    @classmethod
    def _is_plain(cls, url: str | None) -> str | None:
        if url is None:
            return None
        if not url.startswith(("http://", "https://")):
            raise ValueError("a base URL begins with http:// or https://")
        if "?" in url or "#" in url or "@" in url.split("/")[2]:
            raise ValueError("credentials and queries belong into api_key, headers and query")
        return url.rstrip("/")


class Settings(Section):
    """All settings, checked. Frozen: nothing changes while the gateway runs."""

    host: Annotated[str, StringConstraints(min_length=1)] = "127.0.0.1"
    """The address to listen on; `0.0.0.0` for every IPv4 address of the machine."""

    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    """The TCP port to listen on; 0 for any that is free."""

    data: Path = Field(default_factory=data_folder)
    """The folder that holds everything the gateway keeps. By default `antiphon` where this system
    keeps the data of programs: `~/.local/share`, `~/Library/Application Support` or `%LOCALAPPDATA%`."""

    storage: DatabaseURL | None = None
    """The database, as a URL: `sqlite:///FILE` or `postgresql://USER:PASSWORD@HOST/DATABASE`. Without it the
    file `antiphon.db` in the data folder. Processes on several machines need PostgreSQL."""

    redis: RedisURL | None = None
    """Redis, as a URL: `redis://USER:PASSWORD@HOST:PORT`, `rediss://…` with TLS, `unix:///FILE`. With it
    processes that share a database wake one another; nothing is kept there. Without it PostgreSQL does so,
    and with SQLite processes look twice a second."""

    redis_prefix: RedisPrefix = "antiphon"
    """What the names of the channels in Redis begin with; another one for each database that shares the
    server."""

    pepper: Pepper | None = None
    """The secret without which the stored digests of gateway keys say nothing, as 64 hexadecimal digits, best
    written as `${NAME}`; `openssl rand -hex 32` makes one. Without it a file in the data folder, `pepper`,
    made on the first start. Processes that share a database need the same."""

    drain_timeout: Annotated[float, Field(ge=0, le=86_400)] = 30.0
    """Seconds that running responses get to finish when the gateway is told to stop."""

    errors: Literal["openai", "fastapi"] = "openai"
    """The shape of the refusal of an invalid request: `openai` is 400 with OpenAI's envelope, `fastapi`
    is 422 with a list under `detail`."""

    codex_instructions: Path | None = None
    """A file with the instructions that Codex gives the models of this gateway. With it `GET /v1/models` has
    a catalogue for Codex, with the sizes of their contexts."""

    metrics: Literal["key", "all", "nobody"] = "key"
    """Who may read `/metrics`: whoever has a gateway key, all who reach the gateway, or nobody."""

    log: Log = Log()
    limits: Limits = Limits()
    stream: Stream = Stream()
    websocket: WebSocket = WebSocket()
    requests: Requests = Requests()
    background: Background = Background()
    retention: Retention = Retention()
    reasoning: Reasoning = Reasoning()
    timeouts: Timeouts = Timeouts()
    media: Media = Media()
    routing: Routing = Routing()
    simulated: Simulated = Simulated()

    webhooks: Webhooks = []
    """Who is told when a background response has ended; see docs/background.md."""

    webhook_allow_hosts: list[Host] = []
    """Hosts of webhooks that may have private addresses, as they stand in their URLs. All others must be
    public."""

    keys: list[StaticKey] = []
    """Gateway keys beside those that `antiphon keys create` keeps in the database."""

    providers: dict[ProviderName, ProviderSettings] = {}
    """Who serves models, by the name that stands before the slash in `provider/model`."""

    aliases: dict[Name, Alias] = {}
    """Names of your own for models: for one, or for several that share the requests."""

    models: dict[Name, ModelSettings] = {}
    """What you know better than the catalogue about a model, by `provider/model`."""

    @field_validator("data")
    @classmethod
    def _knows_home(cls, folder: Path) -> Path:
        return folder.expanduser()

    @property
    def database(self) -> str:
        """The URL of the database in use; it may have a password in it."""
        if self.storage is not None:
            return self.storage.get_secret_value()
        return f"{urls.SQLITE}{self.data / DATABASE_FILE}"
