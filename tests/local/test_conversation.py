"""The list of items: order, links, ids, and what truncation leaves."""

import base64

import pytest

from voiced.local import items
from voiced.local.conversation import MOST_CHARACTERS, MOST_ITEMS, Conversation, Item
from voiced.local.output import message_item
from voiced.local.refusals import Refusal
from voiced.local.sound import WireFormat, silence


def note(item_id: str) -> Item:
    content = [{"type": "input_text", "text": item_id}]
    given = {"id": item_id, "type": "message", "role": "user", "content": content}
    return items.from_client(given, WireFormat.PCM)


def spoken(duration_ms: int) -> Item:
    item = message_item()
    item.face["content"] = [{"type": "output_audio", "transcript": "once upon a time"}]
    item.add_audio(silence(duration_ms))
    return item


@pytest.fixture
def talk() -> Conversation:
    conversation = Conversation(kept_audio_ms=10_000)
    for name in "abc":
        conversation.append(note(name))
    return conversation


def order(conversation: Conversation) -> str:
    return "".join(item.id for item in conversation)


def test_items_are_appended_with_a_link_to_the_one_before(talk: Conversation) -> None:
    assert talk.append(note("d")) == "c"
    assert Conversation(1).append(note("a")) is None
    assert talk.last_id == "d"


def test_an_item_is_inserted_after_another_or_at_the_root(talk: Conversation) -> None:
    assert talk.insert(note("x"), "a") == "a"
    assert talk.insert(note("y"), "root") is None
    assert order(talk) == "yaxbc"
    assert talk.before("x") == "a"
    assert talk.before("y") is None
    assert talk.before("nobody") is None


def test_an_unknown_place_or_a_taken_id_is_refused(talk: Conversation) -> None:
    with pytest.raises(Refusal) as place:
        talk.insert(note("x"), "nobody")
    with pytest.raises(Refusal) as taken:
        talk.append(note("a"))

    assert (place.value.code, place.value.param) == ("invalid_value", "previous_item_id")
    assert taken.value.code == "item_create_duplicate_item_id"
    assert order(talk) == "abc"


def test_deleting(talk: Conversation) -> None:
    talk.delete("b")

    assert order(talk) == "ac"
    with pytest.raises(Refusal) as caught:
        talk.delete("b")
    assert caught.value.code == "item_delete_invalid_item_id"
    assert caught.value.message == "Error deleting item: the item with id 'b' does not exist."


def test_retrieving_returns_the_sound(talk: Conversation) -> None:
    talk.append(items.committed("u", b"\1\0" * 2400))

    face = talk.retrieve("u", WireFormat.PCM)
    assert base64.b64decode(face["content"][0]["audio"]) == b"\1\0" * 2400
    found = talk.find("u")
    assert found is not None
    assert "audio" not in found.face["content"][0]
    assert len(base64.b64decode(talk.retrieve("u", WireFormat.ULAW)["content"][0]["audio"])) == 800
    with pytest.raises(Refusal) as caught:
        talk.retrieve("nobody", WireFormat.PCM)
    assert caught.value.code == "item_retrieve_invalid_item_id"


def test_truncation_cuts_the_sound_and_takes_the_whole_transcript(talk: Conversation) -> None:
    item = spoken(3000)
    talk.append(item)
    talk.truncate(item.id, 0, 1240)

    assert item.audio_ms == 1240
    assert len(item.audio) == 1240 * 48
    assert item.face["content"] == [{"type": "output_audio", "transcript": None}]
    item.add_audio(silence(500))
    assert item.audio_ms == 1240
    talk.truncate(item.id, 0, 0)
    assert item.audio_ms == 0
    assert talk.has_spoken


def test_truncation_to_the_very_end_is_legal_and_beyond_it_is_not(talk: Conversation) -> None:
    item = spoken(3700)
    talk.append(item)
    talk.truncate(item.id, 0, 3700)
    with pytest.raises(Refusal) as caught:
        talk.truncate(item.id, 0, 3760)

    assert caught.value.code is None
    assert caught.value.message == "Audio content of 3700ms is already shorter than 3760ms"
    assert item.audio_ms == 3700


def test_only_what_the_model_said_aloud_can_be_truncated(talk: Conversation) -> None:
    written = items.from_client(
        {
            "id": "t",
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "hello"}],
        },
        WireFormat.PCM,
    )
    silent = message_item()
    for item in (written, silent, items.committed("u", silence(500))):
        talk.append(item)
    for name in ("a", "t", "u", silent.id):
        with pytest.raises(Refusal) as caught:
            talk.truncate(name, 0, 0)
        assert caught.value.code == "unsupported_content_type"
        assert caught.value.message == "Only model output audio messages can be truncated"
    with pytest.raises(Refusal) as unknown:
        talk.truncate("nobody", 0, 0)
    assert unknown.value.code == "item_truncate_invalid_item_id"


def test_a_wrong_content_index_is_refused(talk: Conversation) -> None:
    item = spoken(100)
    talk.append(item)
    with pytest.raises(Refusal) as caught:
        talk.truncate(item.id, 1, 0)
    assert caught.value.param == "content_index"


def test_kept_sound_is_bounded_and_the_oldest_goes_first() -> None:
    talk = Conversation(kept_audio_ms=2_000)
    told = [spoken(900) for _ in range(4)]
    for item in told:
        talk.append(item)

    assert [len(item.audio) // 48 for item in told] == [0, 0, 900, 900]
    assert [item.audio_ms for item in told] == [900] * 4
    told[0].add_audio(silence(100))
    assert told[0].audio_ms == 1000


def test_items_are_bounded() -> None:
    talk = Conversation(kept_audio_ms=1)
    for number in range(MOST_ITEMS + 2):
        talk.append(note(str(number)))

    assert len(talk) == MOST_ITEMS
    assert talk.find("1") is None


def test_written_text_is_bounded() -> None:
    talk = Conversation(kept_audio_ms=1)
    for name in "abc":
        item = note(name)
        item.face["content"][0]["text"] = "x" * (MOST_CHARACTERS // 2)
        talk.append(item)

    assert order(talk) == "c"


def test_client_items_lose_what_the_wire_does_not_show() -> None:
    call = {"type": "function_call_output", "call_id": "c", "output": "", "status": "completed"}
    output = items.from_client({**call, "object": "realtime.item"}, WireFormat.PCM)
    heard = items.from_client(
        {
            "type": "message",
            "role": "user",
            "content": [{"type": "input_audio", "audio": base64.b64encode(bytes(960)).decode()}],
        },
        WireFormat.PCM,
    )

    assert set(output.face) == {"id", "type", "call_id", "output"}
    assert heard.face["content"] == [{"type": "input_audio", "transcript": None}]
    assert heard.audio_ms == 20
    assert heard.face["status"] == "completed"


@pytest.mark.parametrize("audio", ["***", "AAA", "AA==", "data:audio/wav;base64,AAAA"])
def test_audio_must_be_base64_of_whole_samples(audio: str) -> None:
    with pytest.raises(Refusal) as caught:
        items.decoded(audio, WireFormat.PCM)

    assert (caught.value.code, caught.value.param) == ("invalid_value", "audio")
    assert caught.value.message == (
        "Invalid 'audio'. Expected base64-encoded audio bytes (mono PCM16 at 24kHz) but got an "
        "invalid value."
    )
    assert items.decoded("AA==", WireFormat.ULAW) == b"\0"
