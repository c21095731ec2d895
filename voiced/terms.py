"""The settings in each room's own terms: plain values, so that no room has to know the settings.

Law of this file: nothing is decided here but how things are called.
"""

from collections.abc import Mapping
from typing import Final

from voiced.account.budget import Limits as BudgetLimits
from voiced.account.prices import Prices
from voiced.account.usage import TOKENS, Kind
from voiced.actors.opening import Opening, Patience
from voiced.actors.talk import Habits
from voiced.audio.echo.handling import Canceller, Echo, EchoMode, cancels_by_name
from voiced.audio.wire import WireFormat
from voiced.config.whole import Config
from voiced.link.activation import Activation, Mode
from voiced.link.announcements import Announcement
from voiced.link.door import Door, SpeechGate
from voiced.link.mute_switch import MuteSwitch, Position
from voiced.link.wake import RECOGNISED_AFTER_MS, WAITING_MS, Summons
from voiced.realtime.client_events import Configure
from voiced.realtime.settings import AudioFormat, SemanticVad, ServerVad, Transcription
from voiced.turns.cues import Cue, Tones
from voiced.turns.policy import Detection, Interruption, Limits, Policy

_DEVICE_MS: Final = 20  # that a block lies in a sound card, over and above its own length


def opening_from(config: Config) -> Opening:
    """How a session is opened."""
    return Opening(
        configure=configure_from(config),
        wire_format=WireFormat(config.realtime.audio_format),
        patience=patience_from(config),
        context=config.realtime.context,
    )


def echo_from(config: Config, canceller: Canceller | None) -> Echo:
    """The way past the loudspeaker's echo."""
    mode = EchoMode(config.echo.mode)
    if mode is EchoMode.AUTO and any(map(cancels_by_name, config.capture.devices)):
        mode = EchoMode.SYSTEM  # two of them, one behind the other, do harm
    by_voice = Detection(config.turns.detection) is not Detection.PUSH_TO_TALK
    return Echo(mode, config.echo.tail_ms, canceller, by_voice)


def configure_from(config: Config) -> Configure:
    """The session we want, all of it said aloud: defaults of the service differ by model."""
    realtime = config.realtime
    sound = AudioFormat(f"audio/{realtime.audio_format}")
    return Configure(
        output_modality="audio",
        instructions=realtime.instructions,
        input_format=sound,
        output_format=sound,
        turn_detection=_turn_detection(config),
        transcription=(
            Transcription(realtime.transcription_model, realtime.language or None)
            if realtime.transcription_model
            else None
        ),
        noise_reduction=realtime.noise_reduction or None,  # type: ignore[arg-type]  # checked in config
        voice=realtime.voice,
        speed=realtime.speed,
    )


def _turn_detection(config: Config) -> ServerVad | SemanticVad | None:
    """Who ends turns, and whether the server answers and interrupts by itself: both, or neither.

    Were it to answer without interrupting, its answer to speech over another one would be refused
    (reported).
    """
    turns, policy = config.turns, policy_from(config)
    match policy.detection:
        case Detection.SERVER_VAD:
            return ServerVad(
                threshold=turns.threshold,
                prefix_padding_ms=turns.prefix_padding_ms,
                silence_duration_ms=turns.silence_duration_ms,
                idle_timeout_ms=turns.idle_timeout_ms or None,
                create_response=policy.server_answers,
                interrupt_response=policy.server_answers,
            )
        case Detection.SEMANTIC_VAD:
            return SemanticVad(
                eagerness=turns.eagerness,  # type: ignore[arg-type]  # checked in config
                create_response=policy.server_answers,
                interrupt_response=policy.server_answers,
            )
        case Detection.PUSH_TO_TALK:
            return None


def policy_from(config: Config) -> Policy:
    """How turns are taken."""
    turns, limits = config.turns, config.limits
    return Policy(
        detection=Detection(turns.detection),
        interruption=Interruption(turns.interruption),
        confirm_ms=turns.confirm_ms,
        duck_db=turns.duck_db,
        transcribed=bool(config.realtime.transcription_model),
        limits=Limits(
            turn_s=limits.max_turn_ms / 1000,
            committed_s=limits.committed_ms / 1000,
            created_s=limits.created_ms / 1000,
            first_delta_s=limits.first_delta_ms / 1000,
            delta_gap_s=limits.delta_gap_ms / 1000,
            cancelled_s=limits.cancelled_ms / 1000,
            words_s=limits.words_ms / 1000,
        ),
    )


def habits_from(config: Config) -> Habits:
    """The policy, and the times that belong to a way of taking turns."""
    turns = config.turns
    by_silence = turns.detection == Detection.SERVER_VAD.value
    return Habits(
        policy=policy_from(config),
        silence_ms=turns.silence_duration_ms if by_silence else 0,
        pre_roll_ms=turns.pre_roll_ms,
        tail_ms=turns.tail_ms,
    )


def activation_from(config: Config) -> Activation:
    """When there is a conversation."""
    wanted = config.activation
    return Activation(
        Mode(wanted.mode), wanted.hangup_s, config.budget.session_max_s, wanted.follow_up_s
    )


def summons_from(config: Config) -> Summons:
    """What the words that are listened for do."""
    wanted = config.activation
    return Summons(
        stops=frozenset(wanted.stop_words),
        # A block's frames come at one time, which is that of its last.
        back_ms=config.capture.block_ms
        + (wanted.pre_roll_ms if wanted.send_wake_word else RECOGNISED_AFTER_MS),
        sends_word=wanted.send_wake_word,
    )


def mute_switch_from(config: Config) -> MuteSwitch:
    """The switch that says whether anybody is heard."""
    return MuteSwitch(Position.UNREAD if config.gpio.mute_line else Position.NONE)


def door_from(config: Config) -> Door:
    """What of the microphone's sound may go up."""
    uplink = config.uplink
    gate = SpeechGate(uplink.gate_pre_roll_ms, uplink.gate_hangover_ms) if uplink.gate else None
    return Door(
        pre_roll_ms=config.activation.pre_roll_ms,
        slack_ms=WAITING_MS + RECOGNISED_AFTER_MS if config.activation.by_word else 0,
        tail_ms=config.turns.end_heard_ms,
        returns_s=(config.capture.block_ms + _DEVICE_MS) / 1000,
        gate=gate,
    )


def patience_from(config: Config) -> Patience:
    """How long each step of a session may take."""
    uplink, link = config.uplink, config.link
    return Patience(
        socket_s=dialling_limit_s(config),
        created_s=uplink.created_limit_s,
        updated_s=uplink.updated_limit_s,
        send_s=uplink.send_limit_s,
        probe_after_s=link.probe_after_s,
        probe_s=link.probe_limit_s,
    )


def dialling_limit_s(config: Config) -> float:
    """How long dialling may take: a secret that is to be fetched first has its own limit."""
    fetched = config.auth.mode != "key"
    return config.uplink.socket_limit_s + (config.auth.limit_s if fetched else 0.0)


def tones_from(config: Config) -> Tones:
    """Which tones go with a conversation."""
    earcons = config.earcons
    wanted = {Cue.WAKE: earcons.wake, Cue.TURN_END: earcons.turn_end, Cue.ERROR: earcons.error}
    return Tones(
        cues=frozenset(cue for cue in Cue if wanted[cue]),
        level_db=earcons.level_db,
        stops=frozenset(config.activation.stop_words),
        tells_faults=config.notices.mode == "off",
    )


def words_from(config: Config) -> Mapping[Announcement, str]:
    """What is said about the link, by a voice."""
    notices = config.notices
    return {
        Announcement.CONNECTING: notices.connecting,
        Announcement.LOST: notices.lost,
        Announcement.UNREACHABLE: notices.unreachable,
        Announcement.BACK: notices.back,
    }


def prices_from(config: Config) -> Prices:
    """The owner's prices, those that are known."""
    prices = config.prices
    table: dict[Kind, float] = {
        kind: getattr(prices, f"{kind.value}_per_million") for kind in TOKENS
    }
    table[Kind.TRANSCRIPTION_MS] = prices.transcription_per_minute
    return Prices({kind: price for kind, price in table.items() if price}, prices.currency)


def budget_from(config: Config) -> BudgetLimits:
    """How much may be used."""
    budget = config.budget
    return BudgetLimits(budget.daily, budget.daily_tokens, budget.turns_per_hour)
