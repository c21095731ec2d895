"""Secrets are taken out of texts: those that look like one, and those that were loaded."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.canaries import KEY, MARK, MINTED, OPAQUE, TOKEN
from voiced.logbook.masking import MASK, Masks

_BASIC = base64.b64encode(f"me:{OPAQUE}".encode()).decode()


@pytest.mark.parametrize(
    "text",
    [
        f"the key {KEY} was refused",
        f"key='{KEY}'",
        f"https://host/{KEY}",
        f'{{"value": "{MINTED}"}}',
        f"Authorization: Bearer {OPAQUE}",
        f"authorization: bearer {OPAQUE}",
        f"b'Authorization', b'Bearer {OPAQUE}'",
        f"Proxy-Authorization: Basic {_BASIC}",
        f"api-key: {OPAQUE}",
        f"Authorization: {OPAQUE}",
        f"{KEY}{KEY},{KEY}",
        f"eyJ{MARK}0123.{MARK}01234.{MARK}01234",
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str) -> None:
    hidden = Masks().hide(text)
    assert MASK in hidden
    assert MARK not in hidden
    assert _BASIC not in hidden


@pytest.mark.parametrize(
    "text",
    [
        "session=sess_iaAbc0123456789 item=item_0123456789 event=event_0123456789",
        "disk-usage-of-the-system week_ending_today a-task-for-somebody",
        "playout cut item=item_7 heard_ms=1200",
        "the bearer of bad news",
        "key_file must not hold a key",
    ],
)
def test_what_is_none_stays(text: str) -> None:
    assert Masks().hide(text) == text


def test_a_secret_that_was_loaded_is_masked_whatever_it_looks_like() -> None:
    masks = Masks()
    for secret in (OPAQUE, TOKEN):
        assert masks.hide(f"a {secret} b") == f"a {secret} b"
        masks.learn(secret)
        assert masks.hide(f"a {secret} b{secret}") == f"a {MASK} b{MASK}"


def test_words_that_are_no_secrets_are_not_learned() -> None:
    masks = Masks()
    masks.learn("local")
    assert masks.hide("the local server") == "the local server"


def test_secrets_that_come_with_each_connection_do_not_pile_up() -> None:
    masks = Masks()
    for n in range(1000):
        masks.learn(f"{OPAQUE}{n}")
    assert masks.hide(f"{OPAQUE}999") == MASK
    assert OPAQUE not in repr(masks)


@given(st.text(), st.text(), st.sampled_from([KEY, MINTED, OPAQUE, TOKEN]))
def test_no_text_around_it_protects_a_secret_that_is_known(
    before: str, after: str, secret: str
) -> None:
    masks = Masks()
    masks.learn(secret)
    assert secret not in masks.hide(before + secret + after)
