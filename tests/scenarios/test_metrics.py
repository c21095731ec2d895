"""Stories told in numbers: what monitoring reads of a conversation is what happened in it."""

import json
import logging
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from shutil import which

import attrs
import pytest
import trio
import yaml
from trio.testing import MockClock

from tests.fakes.scraper import ASKED, numbers, parsed, real_time, scrape, talk
from tests.fakes.story import Story
from tests.scenarios.test_what_it_costs import PRICES, USAGE, turn
from voiced.counts import Counts
from voiced.edges.metrics_server import MOST_CLIENTS, MetricsHttp
from voiced.faults import ConfigError, DeviceError
from voiced.notices import Device, Moment, Phase
from voiced.turns.figures import Figure, Outcome

CONFIG = Path(__file__).parents[2] / "config"
DASHBOARD, ALERTS = CONFIG / "grafana-dashboard.json", CONFIG / "prometheus-alerts.yml"
SECRET = "sk-never-to-be-told-0123456789"
WORDS = "a word between friends"


async def begin(story: Story, nursery: trio.Nursery, *, until_ready: bool = True) -> MetricsHttp:
    story.metrics_server = server = MetricsHttp("127.0.0.1", 0)
    story.server.usage = USAGE
    await story.begin(nursery, until_ready=until_ready)
    return server


async def read(server: MetricsHttp, clock: MockClock) -> Mapping[str, float]:
    with real_time(clock):
        return numbers(await scrape(server.bound))


async def test_a_conversation_with_faults_in_numbers(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    story.set("prices", **PRICES)
    story.set("budget", daily_tokens=1000)
    server = await begin(story, nursery)
    await turn(story)
    story.server.speaks(3000)
    await story.for_ms(1210)
    story.server.hears_speech()  # over the answer
    await story.for_ms(100)
    story.server.hears_silence()
    await story.for_ms(100)
    story.server.hangs_up(1011)
    await story.for_ms(5000)
    story.server.refuses("rate_limit_exceeded")
    story.server.refuses("rate_limit_exceeded")
    await story.for_ms(10_000)
    assert story.phase() is Phase.LISTENING
    connections = len(story.server.wires)
    told = await read(server, autojump_clock)

    assert told['voiced_turns_total{outcome="answered"}'] == 1
    assert told['voiced_turns_total{outcome="cut"}'] == 1
    assert told['voiced_events_total{event="cut"}'] == len(story.moments(Moment.CUT)) == 1
    assert told['voiced_faults_total{code="1011",kind="close_code",verdict="retry_turn"}'] == 1
    limited = 'code="rate_limit_exceeded",kind="error_code",verdict="cool_down"'
    assert told[f"voiced_faults_total{{{limited}}}"] >= 1
    assert told["voiced_link_attempts_total"] == story.daemon.board.link.attempts >= connections
    assert told["voiced_reconnects_total"] == len(story.moments(Moment.READY)) - 1 >= 2
    assert told['voiced_events_total{event="cooling_down"}'] == len(story.moments(Moment.COOLING))

    assert told["voiced_response_latency_seconds_count"] == 1
    assert told["voiced_barge_in_silence_seconds_count"] == 1
    assert told["voiced_session_opening_seconds_count"] == len(story.moments(Moment.READY))
    sent = told['voiced_tally_total{name="frames_sent"}']  # on the same page: it goes on meanwhile
    assert told["voiced_mouth_to_wire_seconds_count"] == sent > 100
    latencies = story.daemon.board.status.latencies
    seconds = told["voiced_response_latency_seconds_sum"]
    assert seconds == latencies[Figure.TOTAL].p50_ms / 1000 == 0.5

    used = story.daemon.board.status.usage.life.used
    assert told['voiced_tokens_total{kind="audio_out"}'] == 136 * 2
    assert sum(told[key] for key in told if key.startswith("voiced_tokens_total")) == used.tokens
    cost = story.daemon.board.status.usage.today.cost.amount
    assert told['voiced_cost_total{currency="EUR"}'] == pytest.approx(cost)
    assert told["voiced_budget_used_ratio"] == pytest.approx(0.41)
    assert told["voiced_budget_spent"] == 0

    assert told['voiced_device_up{device="microphone"}'] == 1
    assert told['voiced_phase{phase="listening"}'] == 1
    assert sum(told[key] for key in told if key.startswith("voiced_phase{")) == 1
    spent_s = sum(told[key] for key in told if key.startswith("voiced_phase_seconds_total"))
    assert spent_s == pytest.approx(told["voiced_uptime_seconds"])


async def test_every_tally_and_every_name_of_a_table_is_there_from_the_start(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = await begin(story, nursery)
    await story.for_ms(100)
    told = await read(server, autojump_clock)
    for field in attrs.fields(Counts):
        assert f'voiced_tally_total{{name="{field.name}"}}' in told
    for moment in Moment:
        assert f'voiced_events_total{{event="{moment.value.replace(" ", "_")}"}}' in told
    for phase in Phase:
        assert f'voiced_phase{{phase="{phase.value}"}}' in told
    for outcome in Outcome:
        assert f'voiced_turns_total{{outcome="{outcome.value}"}}' in told
    for device in (Device.MICROPHONE, Device.LOUDSPEAKER):
        assert f'voiced_device_up{{device="{device.value}"}}' in told
    assert told['voiced_tally_total{name="capture_blocks_offered"}'] > 0


async def test_a_pause_counts_down_and_a_fault_waits(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = await begin(story, nursery)
    story.server.hangs_up(1006)
    await story.for_ms(10)
    assert story.phase() is Phase.COOLING_DOWN
    told = await read(server, autojump_clock)
    assert told['voiced_phase{phase="cooling_down"}'] == 1
    assert 0 < told["voiced_cooldown_remaining_seconds"] <= 1
    assert told["voiced_link_strikes"] == 1
    await story.for_ms(2000)
    story.server.says({"type": "error", "error": {"type": "x", "code": "invalid_api_key"}})
    await story.settled()
    told = await read(server, autojump_clock)
    assert told['voiced_phase{phase="fault"}'] == 1
    assert told['voiced_events_total{event="gave_up"}'] == 1
    assert told["voiced_cooldown_remaining_seconds"] == 0


async def test_a_lost_microphone_is_down(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = await begin(story, nursery)
    state = story.daemon.board.devices[Device.MICROPHONE]
    story.daemon.board.devices[Device.MICROPHONE] = attrs.evolve(state, fault=str(DeviceError("x")))
    told = await read(server, autojump_clock)
    assert told['voiced_device_up{device="microphone"}'] == 0
    assert told['voiced_device_up{device="loudspeaker"}'] == 1


# --- who must not be harmed, and what must not be told ----------------------------------------------


async def test_a_conversation_goes_on_whoever_comes_to_the_port(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = await begin(story, nursery)
    with real_time(autojump_clock):
        async with trio.open_nursery() as crowd:
            for _ in range(MOST_CLIENTS):  # they come first, and say nothing
                crowd.start_soon(talk, server.bound)
            await story.settled()
            for said in (b"a" * (2 << 20), bytes(range(256)) * 64, ASKED * 500, ASKED):
                for _ in range(4):
                    crowd.start_soon(talk, server.bound, said)
            with trio.move_on_after(0.2):
                await trio.sleep_forever()
            item = story.server.hears_speech()
            story.server.understands(item, WORDS, final=True)
            story.server.hears_silence()
            story.server.speaks(500)
            with trio.fail_after(60):
                while not story.moments(Moment.PLAYED):
                    await trio.lowlevel.checkpoint()
            crowd.cancel_scope.cancel()
    assert story.ears.sounding_ms() == 500
    counts, daemon = story.daemon.counts, story.daemon
    assert (counts.underruns, counts.late_deltas, daemon.frames.tally.dropped) == (0, 0, 0)


async def test_no_word_no_id_and_no_secret_is_told(
    story: Story,
    nursery: trio.Nursery,
    autojump_clock: MockClock,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    caplog.set_level(logging.DEBUG)
    story.set("realtime", instructions=WORDS, context=WORDS, safety_identifier="visitor-7")
    server = await begin(story, nursery)
    item = story.server.hears_speech()
    story.server.understands(item, WORDS, final=True)
    story.server.hears_silence()
    answer = story.server.begins()
    answer.sends(500)
    answer.writes(WORDS, final=True)
    answer.ends()
    await story.for_ms(1500)
    story.server.refuses(SECRET, message=f"{WORDS} {SECRET}", kind=SECRET)
    story.server.hangs_up(4242)
    await story.for_ms(10)
    with real_time(autojump_clock):
        text = await scrape(server.bound)
    ids = [item, story.daemon.supervisor.conversation.session_id, "visitor-7"]
    for unsaid in (WORDS, SECRET, "friends", *ids):
        assert unsaid
        assert unsaid not in text
    kinds = {s.labels["code"] for s in parsed(text)["voiced_faults"].samples}
    assert kinds <= {"other"}


# --- the file -------------------------------------------------------------------------------------


@attrs.define(eq=False)
class Drawer:
    """A file in memory."""

    texts: list[bytes] = attrs.field(factory=list)
    closed: bool = False
    unfit: bool = False

    def open(self, text: bytes) -> None:
        if self.unfit:
            raise ConfigError(["[metrics] textfile: not there"])
        self.texts.append(text)

    def write(self, text: bytes) -> None:
        self.texts.append(text)

    def close(self) -> None:
        self.closed = True


async def test_the_file_is_there_before_anybody_dials_and_gone_at_the_end(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    drawer = Drawer()
    story.metrics_file = drawer
    story.set("metrics", textfile_every_s=1.0)
    await story.begin(nursery)
    first = numbers(drawer.texts[0].decode())
    assert first["voiced_link_attempts_total"] == 0
    with real_time(autojump_clock), trio.fail_after(60):
        while len(drawer.texts) < 2:
            await trio.lowlevel.checkpoint()
        then = numbers(drawer.texts[1].decode())
        assert then['voiced_events_total{event="ready"}'] == 1
        age_s = "voiced_last_update_timestamp_seconds"
        assert then[age_s] > first[age_s]
        assert not drawer.closed
        story.daemon.supervisor.stop()
        while not drawer.closed:
            await trio.lowlevel.checkpoint()


async def test_a_file_that_cannot_be_written_ends_it_before_anybody_dials(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    daemon = type(story.daemon)(
        story.config, attrs.evolve(story.daemon.ports, metrics_file=Drawer(unfit=True))
    )
    dialled = len(story.server.wires)
    with pytest.raises(ConfigError, match="not there"):
        await daemon.run()
    assert len(story.server.wires) == dialled


async def test_without_monitoring_nobody_counts_for_it(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    await story.begin(nursery)
    await turn(story)
    assert story.daemon.durations.latency.freeze().count == 0


# --- what leans on the names ------------------------------------------------------------------------

_NAME = re.compile(r"\bvoiced_[a-z0-9_]+")
_SELECTOR = re.compile(r"(voiced_[a-z0-9_]+)\{([^}]*)\}")
_LABEL = re.compile(r'(\w+)(=~|=)"([^"]*)"')


def _expressions() -> Iterator[str]:
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"]
    for variable in json.loads(DASHBOARD.read_text())["templating"]["list"]:
        yield variable.get("definition", "")
    for group in yaml.safe_load(ALERTS.read_text())["groups"]:
        for rule in group["rules"]:
            yield rule["expr"]


async def _full_page(story: Story, nursery: trio.Nursery, clock: MockClock) -> str:
    """A life in which there is something of everything."""
    story.set("budget", daily_tokens=1000)
    server = await begin(story, nursery)
    story.server.hangs_up(1011)
    await story.for_ms(3000)
    with real_time(clock):
        await scrape(server.bound)
        return await scrape(server.bound)


async def test_what_dashboard_and_alerts_ask_for_is_told(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    families = parsed(await _full_page(story, nursery, autojump_clock))
    labels: dict[str, list[dict[str, str]]] = {}
    for family in families.values():
        for sample in family.samples:
            labels.setdefault(sample.name, []).append(sample.labels)
    expressions = list(_expressions())
    asked = {name for expression in expressions for name in _NAME.findall(expression)}
    assert len(asked) > 30
    assert asked <= labels.keys()
    for expression in expressions:
        for name, selector in _SELECTOR.findall(expression):
            for label, how, value in _LABEL.findall(selector):
                if label in {"job", "instance"}:  # Prometheus adds them
                    continue
                known = {each[label] for each in labels[name]}
                assert set(value.split("|") if how == "=~" else [value]) <= known


async def test_all_that_is_told_is_shown_somewhere_or_has_a_reason(
    story: Story, nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    text = await _full_page(story, nursery, autojump_clock)
    told = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
    asked = "\n".join(_expressions())
    unasked = {name for name in told if name not in asked}
    assert unasked == {"voiced_scrapes_total"}  # for whoever looks into monitoring itself


def test_the_dashboard_can_be_imported() -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    assert dashboard["schemaVersion"] >= 39
    assert dashboard["id"] is None
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))
    for panel in dashboard["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        if panel["type"] != "row":
            assert panel["datasource"]["uid"] == "${datasource}"
            assert panel["targets"]


def test_every_alert_says_what_is_wrong_and_what_to_do() -> None:
    (group,) = yaml.safe_load(ALERTS.read_text())["groups"]
    names = [rule["alert"] for rule in group["rules"]]
    assert len(names) == len(set(names))
    for rule in group["rules"]:
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}
        assert set(rule["annotations"]) == {"summary", "description"}


def test_promtool_takes_the_rules_where_it_is_installed() -> None:
    promtool = which("promtool")
    if promtool is not None:
        checked = subprocess.run(
            [promtool, "check", "rules", ALERTS], capture_output=True, text=True, check=False
        )
        assert checked.returncode == 0, checked.stdout + checked.stderr
