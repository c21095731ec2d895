"""Every way to a secret, and every way in which it fails: real sockets, real programs, no secret shown."""

import json
import os
import stat
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import partial
from pathlib import Path

import attrs
import pytest
import trio
from trio.testing import MockClock

from tests.canaries import KEY, TOKEN
from tests.canaries import MINTED as SECRET
from tests.edges.counter import GUARD_S, Counter, answer, answering, direct
from tests.edges.test_http import shown_nowhere
from voiced.config.conversation import Auth, Realtime
from voiced.config.whole import Config
from voiced.edges.authority import Limited, authority_from, rest_url
from voiced.edges.command import Command
from voiced.edges.credentials import Authority, FixedKey, Secret
from voiced.edges.http import OpenStream
from voiced.edges.minting import ClientSecrets, TokenServer
from voiced.edges.websocket import Endpoint
from voiced.faults import ConfigError, LinkError, LinkRefused, Trouble, VoicedError
from voiced.terms import dialling_limit_s
from voiced.verdicts import Verdict, judge

OTHER = "ek_0000000000000000"
NOW_S = 1_795_230_000
MINTED = json.dumps({"value": SECRET, "expires_at": NOW_S + 60, "session": {"id": "sess_1"}})
KEYS = {"OPENAI_API_KEY": KEY}


def date(at_s: int) -> str:
    return f"Date: {format_datetime(datetime.fromtimestamp(at_s, UTC), usegmt=True)}"


def chosen(
    auth: Auth,
    environ: Mapping[str, str] = KEYS,
    url: str = "wss://api.openai.com/v1/realtime",
    opener: OpenStream = direct,
) -> Authority:
    config = Config(auth=auth, realtime=Realtime(url=url))
    endpoint = Endpoint(url, config.realtime.model, auth.header)
    return authority_from(config, endpoint, environ, opener)


async def got(authority: Authority) -> str:
    with trio.fail_after(GUARD_S):
        secret = await authority.secret()
    assert secret is not None
    assert SECRET not in repr(authority) + repr(secret)
    assert KEY not in repr(authority)
    return secret.reveal()


async def fault_of(authority: Authority) -> VoicedError:
    """Why there is no secret. None is shown, nor the key, in all that led to it."""
    assert KEY not in repr(authority)
    with pytest.raises(VoicedError) as failed, trio.fail_after(GUARD_S):
        await authority.secret()
    shown_nowhere(failed.value, KEY, SECRET)
    return failed.value


async def no_secret(authority: Authority) -> str:
    """What is said of a failure that may pass."""
    fault = await fault_of(authority)
    assert isinstance(fault, LinkError)
    assert fault.trouble is Trouble.SECRET
    assert judge(fault).verdict is Verdict.COOL_DOWN
    return str(fault)


# --- mode "key" -----------------------------------------------------------------------------------


async def test_the_key_is_read_afresh_for_every_connection(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(KEY)
    authority = chosen(Auth(key_file=str(path)))
    assert await got(authority) == KEY
    path.write_text("sk-a-new-one")
    assert await got(authority) == "sk-a-new-one"


async def test_a_key_that_has_gone_is_for_a_person_to_mend(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(KEY)
    authority = chosen(Auth(key_file=str(path)))
    path.unlink()
    fault = await fault_of(authority)
    assert isinstance(fault, ConfigError)
    assert f"can't read {path}" in str(fault)


async def test_a_key_from_the_environment_may_vanish_too() -> None:
    environ = dict(KEYS)
    authority = chosen(Auth(), environ)
    assert await got(authority) == KEY
    del environ["OPENAI_API_KEY"]
    assert "there is no API key" in str(await fault_of(authority))


async def test_a_file_that_never_ends_being_opened_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(KEY)
    authority = chosen(Auth(key_file=str(path), limit_s=0.1))
    path.unlink()
    os.mkfifo(path)
    assert "gave no secret within 0.1 s" in await no_secret(authority)
    os.close(os.open(path, os.O_RDWR))  # lets the thread go


@pytest.mark.parametrize("mode", ["key", "client_secret"])
def test_a_missing_key_is_told_at_the_start(mode: str) -> None:
    with pytest.raises(ConfigError, match="there is no API key"):
        chosen(Auth(mode=mode), {})


@pytest.mark.parametrize("mode", ["command", "url"])
def test_who_needs_no_key_is_not_asked_for_one(mode: str) -> None:
    chosen(Auth(mode=mode, command=(sys.executable,), url="https://host/token"), {})


async def test_a_server_at_home_gets_a_word_in_the_keys_place() -> None:
    at_home = chosen(Auth(), {}, "ws://127.0.0.1:8765/v1/realtime")
    assert await got(at_home) == "local"
    assert await got(chosen(Auth(), KEYS, "ws://127.0.0.1:8765/v1/realtime")) == KEY


# --- mode "client_secret" -------------------------------------------------------------------------


def minting(counter: Counter, **settings: object) -> Authority:
    auth = Auth(mode="client_secret", http_url=f"{counter.url}/v1", **settings)  # type: ignore[arg-type]
    return chosen(auth)


async def test_a_secret_is_minted_with_the_key() -> None:
    async with answering(answer(MINTED, date(NOW_S))) as counter:
        assert await got(minting(counter, ttl_s=90)) == SECRET

    (asked,) = counter.asked
    assert asked.line == "POST /v1/realtime/client_secrets HTTP/1.1"
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.headers["content-type"] == "application/json"
    assert json.loads(asked.body) == {
        "expires_after": {"anchor": "created_at", "seconds": 90},
        "session": {"type": "realtime", "model": Config().realtime.model},
    }


async def test_each_connection_has_its_own_secret() -> None:
    second = MINTED.replace(SECRET, OTHER)
    async with answering(answer(MINTED, date(NOW_S)), answer(second, date(NOW_S))) as counter:
        authority = minting(counter)
        assert [await got(authority), await got(authority)] == [SECRET, OTHER]


async def test_what_else_the_service_is_to_be_told_goes_along() -> None:
    def headers(key: Secret | None) -> list[tuple[bytes, bytes]]:
        assert key is not None
        return [(b"api-key", key.reveal().encode()), (b"OpenAI-Safety-Identifier", b"lobby")]

    async with answering(answer(MINTED, date(NOW_S))) as counter:
        key = FixedKey(Secret(KEY))
        await got(ClientSecrets(f"{counter.url}/v1/", "m", 60, key, headers, direct))
    assert counter.asked[0].line == "POST /v1/realtime/client_secrets HTTP/1.1"
    assert counter.asked[0].headers["api-key"] == KEY
    assert counter.asked[0].headers["openai-safety-identifier"] == "lobby"


async def test_a_new_key_mints_without_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(KEY)
    async with answering(answer(MINTED, date(NOW_S))) as counter:
        authority = minting(counter, key_file=str(path))
        await got(authority)
        path.write_text("sk-a-new-one")
        await got(authority)
    assert counter.asked[1].headers["authorization"] == "Bearer sk-a-new-one"


@pytest.mark.parametrize(
    ("url", "http_url", "base"),
    [
        ("wss://api.openai.com/v1/realtime", "", "https://api.openai.com/v1"),
        ("wss://api.openai.com/v1/realtime/?model=x", "", "https://api.openai.com/v1"),
        ("ws://127.0.0.1:8765/v1/realtime", "", "http://127.0.0.1:8765/v1"),
        ("wss://r.openai.azure.com/openai/v1/realtime", "", "https://r.openai.azure.com/openai/v1"),
        ("wss://gateway:444/voice", "", "https://gateway:444/voice"),
        ("wss://gateway", "", "https://gateway"),
        ("wss://api.openai.com/v1/realtime", "https://gateway/x", "https://gateway/x"),
    ],
)
def test_where_secrets_are_minted(url: str, http_url: str, base: str) -> None:
    assert rest_url(Config(auth=Auth(http_url=http_url), realtime=Realtime(url=url))) == base


async def test_the_model_is_the_one_that_the_address_names() -> None:
    async with answering(answer(MINTED, date(NOW_S))) as counter:
        auth = Auth(mode="client_secret", http_url=counter.url)
        await got(chosen(auth, url="wss://host/v1/realtime?model=other"))
    assert json.loads(counter.asked[0].body)["session"]["model"] == "other"


# --- expiry ---------------------------------------------------------------------------------------


def minting_at(counter: Counter, clock_s: float) -> ClientSecrets:
    key = FixedKey(Secret(KEY))
    return ClientSecrets(counter.url, "m", 60, key, lambda _: [], direct, lambda: clock_s)


@pytest.mark.parametrize("clock_s", [0.0, NOW_S, NOW_S * 2.0], ids=["1970", "right", "fast"])
async def test_a_wrong_clock_here_does_not_matter_if_the_server_tells_its_own(
    clock_s: float,
) -> None:
    async with answering(answer(MINTED, date(NOW_S))) as counter:
        assert await got(minting_at(counter, clock_s)) == SECRET
    assert len(counter.asked) == 1


@pytest.mark.parametrize("headers", [(date(NOW_S + 60),), (date(NOW_S), "Age: 61"), ()])
async def test_a_secret_that_has_expired_is_asked_for_once_more(headers: tuple[str, ...]) -> None:
    async with answering(answer(MINTED, *headers), answer(MINTED, date(NOW_S))) as counter:
        assert await got(minting_at(counter, NOW_S + 61)) == SECRET
    assert len(counter.asked) == 2


async def test_secrets_that_are_always_expired_are_given_up() -> None:
    async with answering(answer(MINTED, date(NOW_S + 100))) as counter:
        told = await no_secret(minting_at(counter, NOW_S))
    assert len(counter.asked) == 2
    assert "have expired when they come (40 s ago): check its clock, this machine's" in told


@pytest.mark.parametrize("expires", ["null", "true", '"soon"', "NaN", "1e400", "9" * 400, "[]"])
async def test_a_secret_that_does_not_say_when_is_taken(expires: str) -> None:
    body = f'{{"value": "{SECRET}", "expires_at": {expires}}}'
    async with answering(answer(body)) as counter:
        assert await got(minting_at(counter, NOW_S)) == SECRET


# --- what a minter may answer instead -------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "headers", "verdict", "retry_after_s"),
    [
        ("401 Unauthorized", (), Verdict.GIVE_UP, None),
        ("403 Forbidden", (), Verdict.GIVE_UP, None),
        ("404 Not Found", (), Verdict.GIVE_UP, None),
        ("429 Slow Down", ("Retry-After: 7",), Verdict.COOL_DOWN, 7),
        ("503 Busy", ("Retry-After: 1",), Verdict.COOL_DOWN, 1),
        ("500 Oops", (), Verdict.COOL_DOWN, None),
        ("302 Found", ("Location: https://elsewhere/",), Verdict.COOL_DOWN, None),
    ],
)
async def test_a_status_is_judged_as_the_services_own(
    status: str, headers: tuple[str, ...], verdict: Verdict, retry_after_s: float | None
) -> None:
    quoting = json.dumps({"error": {"code": "some_code", "message": f"Incorrect key: {KEY}"}})
    async with answering(answer(quoting, *headers, status=status)) as counter:
        fault = await fault_of(minting(counter))
    assert isinstance(fault, LinkRefused)
    assert fault.status == int(status[:3])
    assert fault.retry_after_s == retry_after_s
    assert judge(fault).verdict is verdict
    assert f"answered HTTP {status[:3]}" in str(fault)
    assert len(counter.asked) == 1
    assert ("name the final address" in str(fault)) == (status[0] == "3")
    assert ("(some_code)" in str(fault)) == (status[0] != "3")


@pytest.mark.parametrize("code", [KEY, "two words", 1, None, "x" * 65, "größe"])
async def test_only_a_word_is_taken_for_an_error_code(code: object) -> None:
    body = json.dumps({"error": {"code": code}})
    async with answering(answer(body, status="401 No")) as counter:
        assert str(await fault_of(minting(counter))).endswith("answered HTTP 401")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", "answered, but with no secret"),
        (SECRET, "answered, but with no secret"),  # it is JSON that was asked for
        ("<!doctype html><title>Log in", "answered, but with no secret"),
        ("[" * 5000, "answered, but with no secret"),
        ("{}", "answered, but with no secret"),
        ('{"value": 5}', "answered, but with no secret"),
        ('{"client_secret": "x"}', "answered, but with no secret"),
        (f'{{"value": "{SECRET}"', "answered, but with no secret"),
        ('{"value": ""}', "is empty"),
        (f'{{"value": "{SECRET} {SECRET}"}}', "one word is wanted"),
        (f'{{"value": "{SECRET}\\r\\nX: y"}}', "one word is wanted"),
        (f'{{"value": "{SECRET * 300}"}}', "is too long to be a key"),
        (f'{{"value": "{SECRET}ü"}}', "one word is wanted"),
    ],
)
async def test_an_answer_without_a_secret_is_said_to_be_one(body: str, words: str) -> None:
    async with answering(answer(body)) as counter:
        assert words in await no_secret(minting(counter))


async def test_nobody_there() -> None:
    counter = Counter([])
    with trio.socket.socket() as closed:
        await closed.bind(("127.0.0.1", 0))
        counter.port = closed.getsockname()[1]
        assert "127.0.0.1 can't be reached: Connection refused" in await no_secret(minting(counter))


@pytest.mark.parametrize("trouble", [Trouble.TLS, Trouble.CLOCK, Trouble.PROXY, Trouble.PORTAL])
async def test_what_is_wrong_with_the_way_is_not_blamed_on_the_secret(trouble: Trouble) -> None:
    async def astray(host: str, port: int, *, secure: bool) -> trio.abc.Stream:
        raise LinkError("the way is blocked", trouble)

    fault = await fault_of(chosen(Auth(mode="client_secret"), opener=astray))
    assert isinstance(fault, LinkError)
    assert fault.trouble is trouble
    assert str(fault) == "no secret could be fetched: the way is blocked"


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"])
async def test_a_minter_that_stalls_is_not_waited_for(said: bytes) -> None:
    async def stall(stream: trio.SocketStream) -> None:
        await stream.send_all(said)
        async for _ in stream:
            pass

    async with trio.open_nursery() as nursery:
        start = partial(trio.serve_tcp, stall, 0, host="127.0.0.1")
        listeners = await nursery.start(start)
        counter = Counter([], listeners[0].socket.getsockname()[1])
        told = await no_secret(minting(counter, limit_s=0.2))
        nursery.cancel_scope.cancel()
    assert told == "127.0.0.1 gave no secret within 0.2 s"


# --- mode "url" -----------------------------------------------------------------------------------


def fetching(counter: Counter, **settings: object) -> Authority:
    auth = Auth(mode="url", url=f"{counter.url}/token", **settings)  # type: ignore[arg-type]
    return chosen(auth, {})


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"value": SECRET}),
        MINTED,
        json.dumps({"client_secret": {"value": SECRET, "expires_at": NOW_S + 60}, "id": "sess_1"}),
        json.dumps(SECRET),
        SECRET,
        f"  {SECRET}\r\n",
    ],
    ids=["value", "as minted", "as in the beta", "JSON text", "text", "text in space"],
)
async def test_a_token_server_may_answer_in_several_ways(body: str) -> None:
    async with answering(answer(body, date(NOW_S))) as counter:
        assert await got(fetching(counter)) == SECRET
    assert counter.asked[0].line == "GET /token HTTP/1.1"
    assert "authorization" not in counter.asked[0].headers
    assert counter.asked[0].headers["cache-control"] == "no-store"


async def test_a_token_that_is_a_number_is_still_a_text() -> None:
    async with answering(answer("0123456789")) as counter:
        assert await got(fetching(counter)) == "0123456789"


async def test_a_token_server_may_want_a_word_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("open-sesame")
    async with answering(answer(SECRET)) as counter:
        authority = fetching(counter, url_method="POST", url_token_file=str(path))
        await got(authority)
        path.write_text("another")
        await got(authority)
    assert [asked.line for asked in counter.asked] == ["POST /token HTTP/1.1"] * 2
    sent = [asked.headers["authorization"] for asked in counter.asked]
    assert sent == ["Bearer open-sesame", "Bearer another"]


def test_a_word_that_can_not_be_read_is_told_at_the_start() -> None:
    with pytest.raises(ConfigError, match=r"\[auth\] url_token_file: can't read /nowhere"):
        fetching(Counter([]), url_token_file="/nowhere")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", "is empty"),
        ('""', "is empty"),
        ("{}", "answered, but with no secret"),
        ("<!doctype html><p>Log in first", "one word is wanted"),
        (f"{SECRET}\n{SECRET}", "one word is wanted"),
        (f'["{SECRET}", "x"]', "one word is wanted"),
        ("x" * 5000, "is too long to be a key"),
        ("x" * 70_000, "more than a secret can be long"),
    ],
)
async def test_what_a_token_server_can_not_mean(body: str, words: str) -> None:
    async with answering(answer(body)) as counter:
        assert words in await no_secret(fetching(counter))


async def test_a_token_server_that_keeps_old_answers_is_found_out() -> None:
    old = answer(MINTED, date(NOW_S), "Age: 600")
    async with answering(old) as counter:
        assert "keeps old answers" in await no_secret(fetching(counter))
    assert len(counter.asked) == 2


async def test_a_token_server_may_refuse() -> None:
    async with answering(answer("no", "Retry-After: 3", status="429 No")) as counter:
        fault = await fault_of(fetching(counter))
    assert isinstance(fault, LinkRefused)
    assert (fault.status, fault.retry_after_s) == (429, 3)


def test_an_authority_does_not_show_what_it_sends() -> None:
    authority = TokenServer("https://host", "GET", "/run/token", direct)
    assert "Bearer" not in repr(authority)


# --- mode "command" -------------------------------------------------------------------------------


def script(folder: Path, text: str, mode: int = 0o755) -> str:
    path = folder / "mint"
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def running(
    folder: Path, body: str, environ: Mapping[str, str] = KEYS, **auth: object
) -> Authority:
    words = (script(folder, f"#!/bin/sh\n{body}\n"), "one", "two words", "$HOME;")
    settings = Auth(mode="command", command=words, **auth)  # type: ignore[arg-type]
    return chosen(settings, {"PATH": os.environ["PATH"], **environ})


@pytest.mark.parametrize(
    "body",
    [
        f"echo {SECRET}",
        f"printf {SECRET}",
        f"printf '{SECRET}\\r\\n'",
        f"echo {SECRET}; echo expires soon",
        f"echo {SECRET}; echo a warning >&2",
        f"printf ek_; sleep 0.05; echo {SECRET[3:]}",
        f"echo {SECRET}; head -c 1000000 /dev/zero",
        f"head -c 1000000 /dev/zero >&2; echo {SECRET}",
        f"echo {SECRET}; exec >&- 2>&-; sleep 0.05",
    ],
)
async def test_the_first_line_is_the_secret(tmp_path: Path, body: str) -> None:
    assert await got(running(tmp_path, body)) == SECRET


async def test_each_connection_runs_it_again(tmp_path: Path) -> None:
    authority = running(tmp_path, f'echo x >> {tmp_path}/runs; wc -l < {tmp_path}/runs | tr -d " "')
    assert [await got(authority), await got(authority)] == ["1", "2"]


async def test_there_is_no_shell_no_input_and_a_small_environment(tmp_path: Path) -> None:
    body = f'(printf "%s|" "$@"; cat; env) > {tmp_path}/seen; echo {SECRET}'
    environ = {**KEYS, "HOME": "/home/me", "CREDENTIALS_DIRECTORY": "/run/c", "LD_PRELOAD": "x"}
    await got(running(tmp_path, body, environ))
    words, _, names = (tmp_path / "seen").read_text().rpartition("|")
    assert words == "one|two words|$HOME;"
    known = {line.partition("=")[0] for line in names.split()}
    assert known - {"PWD", "SHLVL", "_", "OLDPWD"} == {"PATH", "HOME", "CREDENTIALS_DIRECTORY"}


async def test_a_program_is_found_on_the_path(tmp_path: Path) -> None:
    script(tmp_path, f"#!/bin/sh\necho {SECRET}\n")
    path = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    assert await got(chosen(Auth(mode="command", command=("mint",)), path)) == SECRET


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("exit 3", "ended with 3, and said nothing on stderr"),
        (f"echo {SECRET}; exit 1", "ended with 1"),
        ("echo 'vault is sealed' >&2; echo more >&2; exit 2", "ended with 2: vault is sealed"),
        ("printf 'a\\033[31mb' >&2; exit 2", "ended with 2: a [31mb"),
        ("head -c 100000 /dev/zero | tr '\\0' x >&2; exit 2", "ended with 2: " + "x" * 200),
        ("kill -9 $$", "was ended by signal 9"),
        ("true", "printed is empty"),
        ("echo; echo late", "printed is empty"),
        (f"echo {SECRET} {SECRET}", "printed holds something that can't be a key"),
        (f"printf '{SECRET}\\377\\n'", "printed holds something that can't be a key"),
        (f"printf '{SECRET}\\0\\n'", "printed holds something that can't be a key"),
        ("head -c 5000 /dev/zero | tr '\\0' x", "printed is too long to be a key"),
        ("cat /dev/zero", "printed is too long to be a key"),
    ],
)
async def test_what_is_wrong_with_a_command_is_told(tmp_path: Path, body: str, words: str) -> None:
    told = await no_secret(running(tmp_path, body))
    assert told.startswith("[auth] command: ")
    assert words in told
    assert len(told) < 400


async def test_a_command_that_takes_too_long_is_killed_with_all_it_started(tmp_path: Path) -> None:
    body = f"sleep 60 & echo $! > {tmp_path}/pid.new; mv {tmp_path}/pid.new {tmp_path}/pid; wait"
    told = await no_secret(running(tmp_path, body, limit_s=1.0))
    assert "gave no secret within 1 s" in told
    assert await has_ended(int((tmp_path / "pid").read_text()))


async def test_what_a_command_leaves_behind_is_killed(tmp_path: Path) -> None:
    body = f"sleep 60 & echo $! > {tmp_path}/pid; echo {SECRET}"
    assert await got(running(tmp_path, body)) == SECRET
    assert await has_ended(int((tmp_path / "pid").read_text()))


async def has_ended(pid: int) -> bool:
    """Wait for it; whether it is collected is up to whoever adopted it."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    with trio.move_on_after(GUARD_S):
        await trio.lowlevel.wait_readable(process)
        os.close(process)
        return True
    return False


@pytest.mark.parametrize(
    ("word", "words"),
    [
        ("/nowhere/mint", "there is no program /nowhere/mint: give its whole path"),
        ("no-such-program", "there is no program no-such-program"),
        ("PLAIN", "is not executable: chmod +x"),
    ],
)
def test_a_command_that_can_not_be_run_is_told_at_the_start(
    tmp_path: Path, word: str, words: str
) -> None:
    plain = script(tmp_path, "#!/bin/sh\n", stat.S_IRUSR)
    with pytest.raises(ConfigError) as refused:
        chosen(Auth(mode="command", command=(word.replace("PLAIN", plain),)), {})
    assert words in str(refused.value)


async def test_a_command_that_has_gone_is_for_a_person_to_mend(tmp_path: Path) -> None:
    authority = running(tmp_path, f"echo {SECRET}")
    (tmp_path / "mint").write_text("neither a script nor a program")
    fault = await fault_of(authority)
    assert isinstance(fault, ConfigError)
    assert "can't be run: Exec format error" in str(fault)
    (tmp_path / "mint").unlink()
    assert "there is no program" in str(await fault_of(authority))


async def test_being_interrupted_leaves_no_process(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    os.mkfifo(pid)
    command = Command((script(tmp_path, f"#!/bin/sh\necho $$ > {pid}\nsleep 60\n"),), os.environ)
    with trio.fail_after(GUARD_S):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(command.secret)
            started = int(await trio.Path(pid).read_text())
            nursery.cancel_scope.cancel()
    assert await has_ended(started)


# --- limits ---------------------------------------------------------------------------------------


class Never:
    async def secret(self) -> Secret | None:
        await trio.sleep_forever()


async def test_nobody_is_waited_for_longer_than_the_limit(autojump_clock: MockClock) -> None:
    began = trio.current_time()
    assert (
        await no_secret(Limited(Never(), "the oracle", 5)) == "the oracle gave no secret within 5 s"
    )
    assert trio.current_time() - began == 5


@pytest.mark.parametrize("mode", ["key", "client_secret", "command", "url"])
def test_every_mode_is_limited(mode: str) -> None:
    auth = Auth(mode=mode, command=(sys.executable,), url="https://host/", limit_s=3)
    authority = chosen(auth)
    assert isinstance(authority, Limited)
    assert authority.limit_s == 3


def test_a_secret_has_its_own_time_before_the_socket_has_its() -> None:
    config = Config()
    assert dialling_limit_s(config) == 5
    assert dialling_limit_s(attrs.evolve(config, auth=Auth(mode="url", limit_s=4))) == 9


# --- what is learned ------------------------------------------------------------------------------


async def test_every_secret_is_told_to_whoever_keeps_it_out_of_the_log(tmp_path: Path) -> None:
    token = tmp_path / "key"
    token.write_text(TOKEN)
    learned: list[str] = []

    async def learn_of(auth: Auth) -> set[str]:
        learned.clear()
        endpoint = Endpoint("wss://host/v1/realtime", "model", auth.header)
        authority = authority_from(Config(auth=auth), endpoint, KEYS, direct, learned.append)
        await got(authority)
        return set(learned)

    assert await learn_of(Auth()) == {KEY}
    mint = Auth(mode="command", command=("/bin/echo", SECRET.removeprefix("ek_")))
    assert await learn_of(mint) == {SECRET.removeprefix("ek_")}
    async with answering(answer(MINTED, date(NOW_S))) as counter:
        minted = Auth(mode="client_secret", http_url=f"{counter.url}/v1")
        assert await learn_of(minted) == {KEY, SECRET}
        served = Auth(mode="url", url=counter.url, url_token_file=str(token))
        assert await learn_of(served) == {TOKEN, SECRET}
