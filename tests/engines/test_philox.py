import pytest
from hypothesis import given
from hypothesis import strategies as st

from baregrad.engines import philox

# Known answers for philox4x32 with 10 rounds, published with Random123 (file kat_vectors).
FULL = 0xFFFFFFFF
KNOWN = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    ((FULL,) * 4, (FULL,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "words"), KNOWN)
def test_a_block_is_the_published_one(counter, key, words):
    assert philox.block(counter, key) == words


@pytest.mark.parametrize(("counter", "key", "words"), KNOWN)
def test_the_words_of_a_stream_are_the_published_ones(counter, key, words):
    block, stream = counter[0] | counter[1] << 32, counter[2] | counter[3] << 32
    seed = key[0] | key[1] << 32
    assert tuple(philox.words(seed, stream, 4 * block, 4)) == words


@given(
    st.integers(0, 2**64 - 1),
    st.integers(0, 2**64 - 1),
    st.one_of(st.integers(0, 9), st.integers(4 * 2**32 - 9, 4 * 2**32 + 9)),
    st.integers(0, 20),
)
def test_every_word_belongs_to_the_block_of_its_number(seed, stream, start, count):
    low, high = 0xFFFFFFFF, 32
    expected = []
    for word in range(start, start + count):
        counter = (word // 4 & low, word // 4 >> high, stream & low, stream >> high)
        expected.append(philox.block(counter, (seed & low, seed >> high))[word % 4])
    assert philox.words(seed, stream, start, count).tolist() == expected


def test_words_do_not_depend_on_the_batches_they_are_computed_in():
    count = 4 * philox.BATCH + 10
    whole = philox.words(5, 6, 3, count)
    assert len(whole) == count
    for start in (0, 4 * philox.BATCH - 8, count - 5):
        assert philox.words(5, 6, 3 + start, 5) == whole[start : start + 5]
