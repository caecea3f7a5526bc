"""What is packed comes out as it went in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rynxs.operator.packed import PackedManifests, pack, unpack
from tests.unit.operator.rig import config, manifest, policy

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(value=JSON)
def test_a_json_value_is_packed_and_unpacked_as_it_was(value: object) -> None:
    assert unpack(pack(value)) == value


def test_packed_manifests_are_a_sequence_of_the_same_manifests() -> None:
    manifests = [manifest(config("a", retain=True, text="é")), manifest(policy("b"))]
    packed = PackedManifests(manifests)
    assert len(packed) == 2
    assert list(packed) == manifests
    assert packed[1] == manifests[1]
    assert packed[:1] == manifests[:1]
    assert not list(PackedManifests([]))
