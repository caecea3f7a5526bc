"""Make the test vectors of docs/FORMAT.md: ``python tests/vectors/generate.py``.

Nothing of rynxs is imported here. The encoder, the hashes and the Merkle tree are written again,
from the specification and as plainly as can be, so that the vectors are a second opinion.
"""

from __future__ import annotations

import base64
import json
import struct
from hashlib import sha256
from pathlib import Path
from typing import Any
from zlib import crc32

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

FOLDER = Path(__file__).parent
ZERO = bytes(32)
SALT = bytes(range(0x10, 0x20))
ORIGIN = "rynxs.example/vectors"
SEED = bytes(range(32))
OTHER_SEED = bytes(range(32, 64))
EDGES = (0, 23, 24, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 2**63 - 1)
FIELDS = (
    "version", "seq", "epoch", "time_us", "previous", "kind", "subject", "payload_hash",
    "payload_size", "cause",
)  # fmt: skip
Json = dict[str, Any]


# Deterministic CBOR (RFC 8949 section 4.2.1).


def head(major: int, value: int) -> bytes:
    """Return an item's head with the shortest argument."""
    if value < 24:
        return bytes((major << 5 | value,))
    for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if value < 256**size:
            return bytes((major << 5 | info,)) + value.to_bytes(size, "big")
    raise ValueError(value)


def number(value: float) -> bytes:
    """Return the shortest of half, single and double precision that keeps the value."""
    for lead, code in ((b"\xf9", ">e"), (b"\xfa", ">f")):
        try:
            packed = struct.pack(code, value)
        except OverflowError:
            continue
        if struct.unpack(code, packed)[0] == value:
            return lead + packed
    return b"\xfb" + struct.pack(">d", value)


def cbor(value: Any) -> bytes:
    """Return the deterministic encoding of a value."""
    if value is None or isinstance(value, bool):
        return {False: b"\xf4", True: b"\xf5", None: b"\xf6"}[value]
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, float):
        return number(value)
    if isinstance(value, bytes | str):
        data = value if isinstance(value, bytes) else value.encode()
        return head(2 if data is value else 3, len(data)) + data
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(map(cbor, value))
    pairs = sorted((cbor(key), cbor(member)) for key, member in value.items())
    return head(5, len(pairs)) + b"".join(key + member for key, member in pairs)


# Hashes and the Merkle tree (RFC 9162 section 2.1.1, as its recursion stands there).


def leaf(header: bytes) -> bytes:
    return sha256(b"\x00" + header).digest()


def commitment(salt: bytes, payload: bytes) -> bytes:
    return sha256(len(salt).to_bytes(1, "big") + salt + payload).digest()


def tree(leaves: list[bytes]) -> bytes:
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\x01" + tree(leaves[:split]) + tree(leaves[split:])).digest()


def frontier(leaves: list[bytes]) -> list[bytes]:
    """Return the roots of the perfect subtrees, the largest first."""
    nodes, start = [], 0
    for height in reversed(range(len(leaves).bit_length())):
        if len(leaves) >> height & 1:
            nodes.append(tree(leaves[start : start + 2**height]))
            start += 2**height
    return nodes


# Payloads.


def nested(levels: int) -> str:
    """Return the JSON text of a map with lists in it, `levels` containers deep."""
    return '{"a":' + "[" * (levels - 1) + "]" * (levels - 1) + "}"


def payloads() -> Json:
    encoded = (
        ("the empty map", "{}"),
        ("null, false and true", '{"f":false,"n":null,"t":true}'),
        ("keys sort by their encoding: the shorter first", '{"b":1,"aa":2,"a":3,"":0}'),
        ("keys sort by bytes of UTF-8, not by characters", '{"\\u00e9":1,"zz":2,"z":3}'),
        ("unsigned integers at the edges of their lengths", json.dumps({"a": [*EDGES, 2**64 - 1]})),
        (
            "negative integers at the edges of their lengths",
            json.dumps({"a": [-1 - edge for edge in EDGES]}),
        ),
        ("an integer and a float of the same value differ", '{"f":1.0,"i":1}'),
        ("floats in half precision", '{"a":[0.0,-0.0,1.5,65504.0,5.960464477539063e-08]}'),
        ("floats in single precision", '{"a":[65505.0,100000.0,3.4028234663852886e+38]}'),
        ("floats in double precision", '{"a":[0.1,1e+300,5e-324]}'),
        ("text of 23, 24 and 256 bytes", json.dumps({"a": ["x" * 23, "x" * 24, "x" * 256]})),
        ("text is stored as it is, neither normalised nor escaped", '{"a":"e\\u0301\\n\\u0000"}'),
        ("text beyond the basic plane", '{"a":"\\ud83e\\udd80"}'),
        ("lists keep their order", '{"a":[3,1,2,[],{}]}'),
        ("128 containers deep, the map counted", nested(128)),
    )
    refused = (
        ("129 containers deep", nested(129), "$.a" + "[0]" * 127),
        ("integer above 2^64-1", '{"a":{"b":[1,18446744073709551616]}}', "$.a.b[1]"),
        ("integer below -2^63", '{"a":-9223372036854775809}', "$.a"),
        ("not a number", '{"a":[0,1,{"b":NaN}]}', "$.a[2].b"),
        ("infinity", '{"a":Infinity}', "$.a"),
        ("minus infinity", '{"a":-Infinity}', "$.a"),
        ("lone surrogate in text", '{"a":{"b":"x\\ud800"}}', "$.a.b"),
        ("lone surrogate in a key", '{"a":{"\\udfff":1}}', "$.a.\\udfff"),
        ("a list is no payload", "[]", "$"),
        ("text is no payload", '"a"', "$"),
    )
    bad_bytes = (
        ("no bytes", ""),
        ("a list", "80"),
        ("an integer longer than it need be", "a161611801"),
        ("a float longer than it need be", "a16161fb3ff0000000000000"),
        ("a map whose count is longer than it need be", "b801616101"),
        ("keys out of order", "a2616201616102"),
        ("a key twice", "a2616101616102"),
        ("a map of indefinite length", "bf616101ff"),
        ("a list of indefinite length", "a161619f01ff"),
        ("text of indefinite length", "a161617f6161ff"),
        ("a byte left over", "a000"),
        ("the last byte missing", "a16161"),
        ("a key that is an integer", "a10101"),
        ("a byte string", "a161614101"),
        ("undefined", "a16161f7"),
        ("a simple value", "a16161e0"),
        ("not a number", "a16161f97e00"),
        ("infinity", "a16161f97c00"),
        ("a tag", "a16161c101"),
        ("a big number that would fit an integer", "a16161c24105"),
        ("an integer below -2^63", "a161613b8000000000000000"),
        ("text that is not UTF-8", "a1616162c328"),
        ("text that holds a surrogate", "a1616163eda080"),
        ("129 containers deep", "a16161" + "81" * 127 + "80"),
    )
    return {
        "description": "Payload values and their bytes. `json` is JSON text; in it a number with "
        "a point or an exponent is a float, any other is an integer, and NaN and Infinity stand "
        "for what JSON can't write.",
        "encoded": [
            {"description": what, "json": text, "cbor": cbor(json.loads(text)).hex()}
            for what, text in encoded
        ],
        "refused_bytes": [{"description": what, "cbor": text} for what, text in bad_bytes],
        "refused_values": [
            {"description": what, "json": text, "path": path} for what, text, path in refused
        ],
    }


# Headers.


def members(**changes: Any) -> list[Any]:
    """Return the members of the header of a first record, with changes."""
    payload = cbor({})
    plain = {
        "version": 1, "seq": 0, "epoch": 1, "time_us": 1_700_000_000_000_000, "previous": ZERO,
        "kind": "EpochStarted", "subject": "", "payload_hash": commitment(b"", payload),
        "payload_size": len(payload), "cause": None,
    }  # fmt: skip
    return list({**plain, **changes}.values())


def with_item(field: str, item: str) -> bytes:
    """Return the first record's header with the encoding of one member replaced."""
    items = [cbor(member) for member in members()]
    items[FIELDS.index(field)] = bytes.fromhex(item)
    return b"\x8a" + b"".join(items)


def headers() -> Json:
    subject = "universe.ai/Agent/default/worker"
    valid: list[tuple[str, list[Any]]] = [("the first record of a log", members())]
    for edge in EDGES:
        changes = dict.fromkeys(("seq", "epoch", "time_us", "payload_size"), edge)
        valid.append((f"all numbers are {edge}", members(**changes)))
    valid += [
        (f"cause is {edge}", members(seq=edge + 1, cause=edge)) for edge in EDGES if edge < 2**62
    ]
    valid += [
        ("a namespaced subject", members(kind="AgentObserved", subject=subject)),
        ("a cluster-scoped subject", members(kind="Planned", subject="universe.ai/Universe/main")),
        ("the shortest names", members(kind="A", subject="a/b/c")),
        ("the longest names", members(kind="K" * 63, subject="/".join(["s" * 253] * 4))),
        ("every character of names", members(kind="Az09", subject="A.z/0_9/-")),
    ]
    refused = [
        *_refused_forms(),
        *((f"{f}: {what}", with_item(f, item)) for f, what, item in _refused_items()),
        *((f"kind: {what}", cbor(members(kind=name))) for what, name in _refused_kinds()),
        *((f"subject: {what}", cbor(members(subject=name))) for what, name in _refused_subjects()),
    ]
    return {
        "description": "Headers in their one form with leaf hashes, and bytes that are no header. "
        "Every refused one is the first valid one with what its description says changed, so it "
        "would fit its place in a log and the payload a0 if it were well-formed.",
        "payload": "a0",
        "refused": [{"description": why, "header": data.hex()} for why, data in refused],
        "valid": [
            {
                "description": what,
                "header": cbor(each).hex(),
                "leaf_hash": leaf(cbor(each)).hex(),
                "members": {
                    name: member.hex() if isinstance(member, bytes) else member
                    for name, member in zip(FIELDS, each, strict=True)
                },
            }
            for what, each in valid
        ],
    }


def _refused_forms() -> list[tuple[str, bytes]]:
    plain = cbor(members())
    body = plain[1:]
    shared = [cbor(member) for member in members()]
    shared[4], shared[7] = b"\xd8\x1c" + shared[4], b"\xd8\x1d\x00"
    return [
        ("no bytes", b""),
        ("a byte left over", plain + b"\x00"),
        ("another header left over", plain + plain),
        ("the last byte missing", plain[:-1]),
        ("nine members, cause missing", b"\x89" + body[:-1]),
        ("eleven members", b"\x8b" + body + b"\xf6"),
        ("no members", b"\x80"),
        ("array head longer than it need be", b"\x98\x0a" + body),
        ("array of indefinite length", b"\x9f" + body + b"\xff"),
        ("a map of five pairs", b"\xa5" + body),
        ("the array in a byte string", cbor(plain)),
        ("self-described CBOR tag before the array", b"\xd9\xd9\xf7" + plain),
        ("previous shared, payload_hash a reference to it", b"\x8a" + b"".join(shared)),
    ]


def _refused_items() -> list[tuple[str, str, str]]:
    zero = "00" * 32
    return [
        ("version", "0", "00"),
        ("version", "2", "02"),
        ("version", "true for 1", "f5"),
        ("version", "1.0 for 1", "f93c00"),
        ("version", "null", "f6"),
        ("version", "longer than it need be", "1801"),
        ("seq", "one byte longer than it need be", "1800"),
        ("seq", "three bytes longer than it need be", "190000"),
        ("seq", "five bytes longer than it need be", "1a00000000"),
        ("seq", "nine bytes for a small number", "1b0000000000000000"),
        ("seq", "false for 0", "f4"),
        ("seq", "0.0 for 0", "f90000"),
        ("seq", "-1", "20"),
        ("seq", "2^63", "1b8000000000000000"),
        ("seq", "text", "6130"),
        ("seq", "null", "f6"),
        ("seq", "a big number", "c24100"),
        ("seq", "reserved additional information", "1c"),
        ("epoch", "longer than it need be", "1801"),
        ("epoch", "true for 1", "f5"),
        ("epoch", "1.0 for 1", "f93c00"),
        ("time_us", "a time tag before it", "c11b00060a24181e4000"),
        ("time_us", "a float", "fb4318289060790000"),
        ("time_us", "2^64-1", "1bffffffffffffffff"),
        ("previous", "31 bytes", "581f" + zero[:62]),
        ("previous", "33 bytes", "5821" + zero + "00"),
        ("previous", "no bytes", "40"),
        ("previous", "text of 32 characters", "7820" + zero),
        ("previous", "null", "f6"),
        ("previous", "length longer than it need be", "590020" + zero),
        ("previous", "indefinite length", "5f5820" + zero + "ff"),
        ("previous", "a list of 32 zeros", "9820" + zero),
        ("kind", "length longer than it need be", "780c" + b"EpochStarted".hex()),
        ("kind", "indefinite length", "7f6c" + b"EpochStarted".hex() + "ff"),
        ("kind", "a byte string", "4c" + b"EpochStarted".hex()),
        ("kind", "not UTF-8", "62c328"),
        ("subject", "null for empty", "f6"),
        ("subject", "a byte string for empty", "40"),
        ("payload_hash", "31 bytes", "581f" + zero[:62]),
        ("payload_hash", "null", "f6"),
        ("payload_size", "true for 1", "f5"),
        ("payload_size", "1.0 for 1", "f93c00"),
        ("payload_size", "longer than it need be", "1801"),
        ("cause", "false", "f4"),
        ("cause", "undefined for null", "f7"),
        ("cause", "null in two bytes", "f816"),
        ("cause", "a float", "f90000"),
        ("cause", "-1", "20"),
        ("cause", "text", "60"),
    ]


def _refused_kinds() -> list[tuple[str, str]]:
    return [
        ("empty", ""),
        ("starts with a small letter", "epochStarted"),
        ("starts with a digit", "1Epoch"),
        ("holds a hyphen", "Epoch-Started"),
        ("holds a letter outside ASCII", "Epoch\u00e9"),
        ("holds a digit outside ASCII", "Epoch\u0663"),
        ("ends in a line feed", "EpochStarted\n"),
        ("64 characters", "K" * 64),
    ]


def _refused_subjects() -> list[tuple[str, str]]:
    return [
        ("one part", "a"),
        ("two parts", "a/b"),
        ("five parts", "a/b/c/d/e"),
        ("an empty part", "a/b//d"),
        ("a slash first", "/a/b/c"),
        ("a slash last", "a/b/c/"),
        ("a space", "a/b/c d"),
        ("a colon", "a/b/c:d"),
        ("a letter outside ASCII", "a/b/\u00e9"),
        ("a line feed last", "a/b/c\n"),
        ("a part of 254 characters", "a/b/" + "s" * 254),
    ]


def payload_hashes() -> Json:
    cases = [
        ("no salt, empty map", b"", cbor({})),
        ("no salt", b"", cbor({"a": 1})),
        ("16 bytes of salt, empty map", SALT, cbor({})),
        ("16 bytes of salt", SALT, cbor({"a": 1})),
    ]
    return {
        "description": "SHA-256(uint8(len(salt)) || salt || payload).",
        "hashes": [
            {
                "description": what,
                "payload": payload.hex(),
                "payload_hash": commitment(salt, payload).hex(),
                "salt": salt.hex(),
            }
            for what, salt, payload in cases
        ],
    }


# A log of five records.

Stored = tuple[bytes, bytes, bytes]
AGENT = "universe.ai/Agent/default/worker"
MANIFEST: Json = {
    "apiVersion": "v1",
    "data": {"spec.json": "{}\n"},
    "kind": "ConfigMap",
    "metadata": {"name": "agent-worker", "namespace": "default"},
}
MANIFEST_ID = "v1/ConfigMap/default/agent-worker"


def _entries() -> list[Json]:
    """Return what the five records say: kind, subject, payload, epoch, time, cause, salt."""
    epoch = {
        "composition": {
            "reducers": [{"name": "agent", "settings": {}, "version": "0.1.0"}],
            "renderers": [
                {"name": "workload", "settings": {"runAsUser": 65532}, "version": "0.1.0"}
            ],
        },
        "identity": "fixed",
        "kernel": "rynxs==0.1.0",
        "origin": ORIGIN,
    }
    actor = {"authenticated": False, "name": "fixed"}
    observed = {
        "actor": actor,
        "deleting": False,
        "object": {
            "apiVersion": "universe.ai/v1alpha1",
            "kind": "Agent",
            "metadata": {
                "annotations": {}, "labels": {}, "name": "worker", "namespace": "default",
                "uid": None,
            },
            "spec": {"role": "worker"},
        },
    }  # fmt: skip
    planned = {
        "changed": [MANIFEST],
        "manifests": [
            {"digest": sha256(cbor(MANIFEST)).hexdigest(), "id": MANIFEST_ID, "retain": False}
        ],
        "reducer": "agent==0.1.0",
        "removed": [],
        "renderers": ["workload==0.1.0"],
        "retained": [],
    }
    start = 1_700_000_000_000_000
    rows: list[tuple[str, str, Json, int, int, int | None, bytes]] = [
        ("EpochStarted", "", epoch, 1, start, None, b""),
        ("AgentObserved", AGENT, observed, 1, start + 5, None, SALT),
        ("Planned", AGENT, planned, 1, start + 5, 1, b""),
        ("EpochStarted", "", epoch, 2, start + 9, None, b""),
        ("AgentDeleted", AGENT, {"actor": actor, "uid": None}, 2, start + 10, 1, b""),
    ]
    names = ("kind", "subject", "payload", "epoch", "time_us", "cause", "salt")
    return [dict(zip(names, row, strict=True)) for row in rows]


def _chained(entries: list[Json]) -> list[Stored]:
    records: list[Stored] = []
    previous = ZERO
    for seq, entry in enumerate(entries):
        salt, payload = entry["salt"], cbor(entry["payload"])
        changes = {name: entry[name] for name in FIELDS if name in entry}
        plain = {
            "seq": seq, "previous": previous, "payload_hash": commitment(salt, payload),
            "payload_size": len(payload),
        }  # fmt: skip
        encoded = cbor(members(**{**plain, **changes}))
        previous = leaf(encoded)
        records.append((encoded, salt, payload))
    return records


def _log() -> list[Stored]:
    return _chained(_entries())


def _leaves() -> list[bytes]:
    return [leaf(header) for header, _, _ in _log()]


def _stored(records: list[Stored]) -> list[Json]:
    return [
        {"header": header.hex(), "salt": salt.hex(), "payload": payload.hex()}
        for header, salt, payload in records
    ]


def chain() -> Json:
    entries, leaves = _entries(), _leaves()
    records = [
        {
            **stored,
            "cause": entry["cause"],
            "epoch": entry["epoch"],
            "kind": entry["kind"],
            "leaf_hash": leaves[seq].hex(),
            "previous": (leaves[seq - 1] if seq else ZERO).hex(),
            "subject": entry["subject"],
            "time_us": entry["time_us"],
        }
        for seq, (stored, entry) in enumerate(zip(_stored(_log()), entries, strict=True))
    ]
    return {
        "description": "Five records of one log. Every refused variant fails at the record `seq` "
        "names, and the records before it hold.",
        "origin": ORIGIN,
        "records": records,
        "refused": [
            {"description": why, "records": _stored(bad), "seq": seq}
            for why, seq, bad in _refused_chains()
        ],
        "root": tree(leaves).hex(),
    }


def _refused_chains() -> list[tuple[str, int, list[Stored]]]:
    entries, good = _entries(), _log()

    def rewritten(at: int, **changes: Any) -> list[Stored]:
        """Return the chain linked anew, with members of one header changed."""
        return _chained([{**e, **changes} if i == at else e for i, e in enumerate(entries)])

    def swapped(seq: int, record: Stored) -> list[Stored]:
        return [*good[:seq], record, *good[seq + 1 :]]

    header, salt, payload = good[1]
    return [
        ("the second record is missing", 1, [good[0], *good[2:]]),
        ("two records changed places", 1, [good[0], good[2], good[1], *good[3:]]),
        ("the first record's header was replaced by another", 1,
         [rewritten(0, epoch=0)[0], *good[1:]]),
        ("a payload's last byte differs", 1, swapped(1, (header, salt, payload[:-1] + b"\x00"))),
        ("a payload is one byte longer", 1, swapped(1, (header, salt, payload + b"\x00"))),
        ("a salt differs", 1, swapped(1, (header, salt[::-1], payload))),
        ("a salt is missing", 1, swapped(1, (header, b"", payload))),
        ("seq is one too large", 2, rewritten(2, seq=3)),
        ("the first record links to something", 0, rewritten(0, previous=b"\x01" * 32)),
        ("epoch goes down", 4, rewritten(4, epoch=1)),
        ("time goes down", 4, rewritten(4, time_us=entries[3]["time_us"] - 1)),
        ("cause is the record itself", 2, rewritten(2, cause=2)),
        ("cause is a later record", 2, rewritten(2, cause=4)),
        ("payload_size is not the payload's", 2, rewritten(2, payload_size=1)),
        ("payload_hash is not the payload's", 2, rewritten(2, payload_hash=ZERO)),
    ]  # fmt: skip


def merkle() -> Json:
    leaves = [leaf(bytes((number,))) for number in range(17)]
    return {
        "description": "Leaf hashes, and the tree's root and frontier for every size up to 17. "
        "Leaf number i is SHA-256(0x00 || uint8(i)).",
        "leaf_hashes": [each.hex() for each in leaves],
        "trees": [
            {
                "description": f"the first {size} leaves",
                "frontier": [node.hex() for node in frontier(leaves[:size])],
                "root": tree(leaves[:size]).hex(),
                "size": size,
            }
            for size in range(len(leaves) + 1)
        ],
    }


# Batches and segments.


def body_of(records: list[Stored], erased: tuple[int, ...] = ()) -> bytes:
    """Return the body; of the records at the places in `erased`, payload and salt are gone."""
    records = [
        (header, b"", b"") if place in erased else (header, salt, payload)
        for place, (header, salt, payload) in enumerate(records)
    ]
    body = len(records).to_bytes(4, "big")
    for place, (header, salt, payload) in enumerate(records):
        body += len(header).to_bytes(2, "big") + len(salt).to_bytes(1, "big")
        body += bytes([place in erased]) + len(payload).to_bytes(4, "big")
    body += b"".join(header for header, _, _ in records)
    return body + b"".join(salt + payload for _, salt, payload in records)


def batch() -> Json:
    records = _log()
    salted, plain = body_of(records[:3]), body_of(records[3:])
    with_salt = body_of([(records[0][0], SALT, b"")])
    return {
        "description": "Batch bodies of records of chain.json, and bytes that are no body.",
        "bodies": [
            {
                "body": body_of(records[first:stop], tuple(seq - first for seq in erased)).hex(),
                "description": what,
                "erased": erased,
                "first_seq": first,
                "stop": stop,
            }
            for what, first, stop, erased in (
                ("one record", 0, 1, []),
                ("three records, one of them salted", 0, 3, []),
                ("two records", 3, 5, []),
                ("five records", 0, 5, []),
                ("three records, the salted one erased", 0, 3, [1]),
                ("five records, the first and the last two erased", 0, 5, [0, 3, 4]),
                ("one record, erased", 2, 3, [2]),
            )
        ],
        "refused": [
            {"body": data.hex(), "description": why}
            for why, data in (
                ("no bytes", b""),
                ("three bytes", salted[:3]),
                ("a count of 0", bytes(4)),
                ("a count of 1,001", (1001).to_bytes(4, "big") + bytes(1001 * 8)),
                ("a count above what the table holds", bytes((0, 0, 3, 232)) + salted[4:]),
                ("the last byte missing", salted[:-1]),
                ("a byte left over", salted + b"\x00"),
                ("a form that is neither 0 nor 1", plain[:7] + b"\x02" + plain[8:]),
                ("an erased record with a payload", plain[:7] + b"\x01" + plain[8:]),
                ("an erased record with a salt", with_salt[:7] + b"\x01" + with_salt[8:]),
                ("a salt of 15 bytes", salted[:14] + b"\x0f" + salted[15:] + b"\x00"),
                ("a payload over 4 MiB", plain[:8] + (4 * 2**20 + 1).to_bytes(4, "big")
                 + plain[12:]),
            )
        ],
    }  # fmt: skip


def enveloped(first_seq: int, records: list[Stored]) -> bytes:
    body = body_of(records)
    envelope = b"\xffRYNXS\x00\x01" + first_seq.to_bytes(8, "big")
    envelope += b"".join(
        field.to_bytes(4, "big") for field in (len(records), len(body), crc32(body))
    )
    return envelope + crc32(envelope).to_bytes(4, "big") + body


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes((data[place] ^ 1,)) + data[place + 1 :]


def segment() -> Json:
    records = _log()
    first, second = enveloped(0, records[:3]), enveloped(3, records[3:])
    whole, end = first + second, len(first)
    mark = b"5 %08x\n" % crc32(b"5")
    faults = (
        ("the last byte missing", whole[:-1], 3, end, False),
        ("only the second envelope", whole[: end + 32], 3, end, False),
        ("a part of the second envelope", whole[: end + 31], 3, end, False),
        ("a bit of the second body differs", flipped(whole, len(whole) - 1), 3, end, False),
        ("a bit of the second envelope differs", flipped(whole, end + 9), 3, end, False),
        ("a bit of the second envelope's magic differs", flipped(whole, end), 3, end, False),
        ("a byte after the last batch", whole + b"\x00", 5, len(whole), False),
        ("zeros after the last batch", whole + bytes(64), 5, len(whole), False),
        ("the first batch again after the last", whole + first, 5, len(whole), False),
        ("a bit of the first body differs, and a batch follows",
         flipped(whole, end - 1), 0, 0, True),
        ("a bit of the first envelope differs, and a batch follows",
         flipped(whole, 20), 0, 0, True),
    )  # fmt: skip
    return {
        "batches": [
            {"bytes": data.hex(), "description": what, "first_seq": seq, "offset": offset}
            for data, what, seq, offset in (
                (first, "records 0 to 2", 0, 0),
                (second, "records 3 and 4", 3, end),
            )
        ],
        "description": "The segment that holds chain.json in two batches, the durable mark of its "
        "orderly close, and segments whose end fails: `seq` and `offset` say where the whole "
        "batches end, `covered` whether a later batch shows that what fails was durable.",
        "durable": mark.decode(),
        "faults": [
            {
                "bytes": data.hex(),
                "covered": covered,
                "description": why,
                "offset": offset,
                "seq": seq,
            }
            for why, data, seq, offset, covered in faults
        ],
        "name": f"{0:020d}.seg",
        "segment": whole.hex(),
    }  # fmt: skip


# Keys, notes and checkpoints.


class Key:
    """An Ed25519 key in the text forms of signed notes."""

    def __init__(self, name: str, seed: bytes) -> None:
        self.name = name
        self.private = Ed25519PrivateKey.from_private_bytes(seed)
        self.seed = seed
        self.public = b"\x01" + self.private.public_key().public_bytes_raw()
        self.key_id = sha256(name.encode() + b"\n" + self.public).digest()[:4]
        self.vkey = f"{name}+{self.key_id.hex()}+{b64(self.public)}"
        self.skey = f"PRIVATE+KEY+{name}+{self.key_id.hex()}+{b64(b'%c' % 1 + seed)}"

    def line(self, text: str | bytes) -> str:
        """Return the signature line of a text."""
        message = text if isinstance(text, bytes) else text.encode()
        return signature_line(self.name, self.key_id + self.private.sign(message))


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def signature_line(name: str, blob: bytes) -> str:
    return f"\u2014 {name} {b64(blob)}\n"


def frontier_object(leaves: list[bytes], epoch: int, time_us: int) -> bytes:
    cached = cbor([1, len(leaves), leaves[-1], epoch, time_us, frontier(leaves)])
    return cached + sha256(cached).digest()


def checkpoint() -> Json:
    key, other = Key(ORIGIN, SEED), Key("witness.example/other", OTHER_SEED)
    last, leaves = _entries()[-1], _leaves()
    root = b64(tree(leaves))
    text = f"{ORIGIN}\n5\n{root}\n"
    signed = f"{text}\n{key.line(text)}"
    extended = f"{text}extension line\n"
    accepted = (
        ("signed by the log's key", signed),
        ("with a signature of an unknown key before it",
         f"{text}\n{other.line(text)}{key.line(text)}"),
        ("with a signature of an unknown key after it", f"{signed}{other.line(text)}"),
        ("with a signature of an unknown kind", f"{signed}{signature_line('x', b'12345')}"),
        ("with an extension line", f"{extended}\n{key.line(extended)}"),
    )  # fmt: skip
    return {
        "accepted": [
            {"checkpoint": note, "description": what, "size": 5} for what, note in accepted
        ],
        "description": "Checkpoints of chain.json. THE KEYS ARE TEST KEYS, made of seeds that "
        "everybody knows: never trust them. A refused checkpoint fails at its `stage`: note (not "
        "a signed note), body (not a checkpoint), signature (not signed by the key), or root (not "
        "that of the records). All but those of the stages note and signature carry a good "
        "signature. `hex` stands for `checkpoint` where the bytes are not UTF-8.",
        "frontier": frontier_object(leaves, last["epoch"], last["time_us"]).hex(),
        "key": {
            "description": "TEST KEY, made of a seed that everybody knows",
            "key_id": key.key_id.hex(),
            "name": key.name,
            "seed": key.seed.hex(),
            "skey": key.skey,
            "vkey": key.vkey,
        },
        "names": {"latest": "checkpoint", "numbered": f"checkpoints/{5:020d}"},
        "origin": ORIGIN,
        "refused": _refused_checkpoints(key, other, text, root),
        "refused_vkeys": _refused_vkeys(key),
        "root": tree(leaves).hex(),
        "size": 5,
        "text": text,
    }


def _refused_checkpoints(key: Key, other: Key, text: str, root: str) -> list[Json]:
    line = key.line(text)
    raw = key.private.sign(text.encode())
    wrong_id = bytes((key.key_id[0] ^ 1,)) + key.key_id[1:]

    def signed(body: str) -> str:
        return f"{body}\n{key.line(body)}"

    cases: list[tuple[str, str, str | bytes]] = [
        ("note", "no bytes", ""),
        ("note", "no signature", text),
        ("note", "a blank line and no signature", f"{text}\n"),
        ("note", "the last line feed missing", f"{text}\n{line[:-1]}"),
        ("note", "a line of garbage after the signature", f"{text}\n{line}garbage\n"),
        ("note", "garbage without a line feed after the signature", f"{text}\n{line}garbage"),
        ("note", "a blank line after the signature", f"{text}\n{line}\n"),
        ("note", "hyphen for em dash", f"{text}\n{line.replace(chr(0x2014), '-')}"),
        ("note", "a key name that holds a plus sign", f"{text}\n{signature_line('a+b', raw)}"),
        ("note", "no key name", f"{text}\n{signature_line('', raw)}"),
        ("note", "a signature that is not base64", f"{text}\n\u2014 {key.name} !!!!\n"),
        ("note", "base64 without its padding", f"{text}\n{line.replace('=', '')}"),
        ("note", "a key ID and no signature", f"{text}\n{signature_line(key.name, key.key_id)}"),
        ("note", "a tab in the text", signed(f"{text}a\tb\n")),
        ("note", "carriage returns", signed(text.replace("\n", "\r\n"))),
        ("note", "text that is not UTF-8",
         f"{text}\n{line}".encode().replace(b"rynxs", b"\xff", 1)),
        ("body", "no root", signed(f"{ORIGIN}\n5\n")),
        ("body", "no origin", signed(f"\n5\n{root}\n")),
        ("body", "an empty extension line", signed(f"{text}\nx\n")),
        ("body", "a size with a leading zero", signed(f"{ORIGIN}\n05\n{root}\n")),
        ("body", "a size with a sign", signed(f"{ORIGIN}\n+5\n{root}\n")),
        ("body", "a size below zero", signed(f"{ORIGIN}\n-5\n{root}\n")),
        ("body", "a size with a space", signed(f"{ORIGIN}\n5 \n{root}\n")),
        ("body", "a size in hexadecimal", signed(f"{ORIGIN}\n0x5\n{root}\n")),
        ("body", "a size in digits outside ASCII", signed(f"{ORIGIN}\n\u0665\n{root}\n")),
        ("body", "a size of 20 digits", signed(f"{ORIGIN}\n1{'0' * 19}\n{root}\n")),
        ("body", "a root of 31 bytes", signed(f"{ORIGIN}\n5\n{b64(bytes(31))}\n")),
        ("body", "a root of 33 bytes", signed(f"{ORIGIN}\n5\n{b64(bytes(33))}\n")),
        ("body", "a root that is not base64", signed(f"{ORIGIN}\n5\n{'?' * 44}\n")),
        ("body", "a root without padding", signed(f"{ORIGIN}\n5\n{root.rstrip('=')}\n")),
        ("body", "a root whose unused bits are not 0", signed(f"{ORIGIN}\n5\n{'A' * 42}B=\n")),
        ("body", "a root in the URL alphabet", signed(f"{ORIGIN}\n5\n{'_' * 42}8=\n")),
        ("signature", "a bad signature of the known key",
         f"{text}\n{signature_line(key.name, key.key_id + flipped(raw, 0))}"),
        ("signature", "a bad signature of the known key beside a good one",
         f"{text}\n{line}{signature_line(key.name, key.key_id + flipped(raw, 63))}"),
        ("signature", "a signature of the known key that is too short",
         f"{text}\n{signature_line(key.name, key.key_id + raw[:63])}"),
        ("signature", "only a signature of an unknown key", f"{text}\n{other.line(text)}"),
        ("signature", "the known key's name with another key ID",
         f"{text}\n{signature_line(key.name, wrong_id + raw)}"),
        ("signature", "the known key's ID with another name",
         f"{text}\n{signature_line(other.name, key.key_id + raw)}"),
        ("signature", "a text that was changed after signing",
         f"{text.replace(chr(10) + '5', chr(10) + '4')}\n{line}"),
        ("root", "the root of other records", signed(f"{ORIGIN}\n5\n{b64(bytes(32))}\n")),
        ("root", "the root of five records for four", signed(f"{ORIGIN}\n4\n{root}\n")),
        ("root", "the root of the empty tree for five",
         signed(f"{ORIGIN}\n5\n{b64(sha256(b'').digest())}\n")),
    ]  # fmt: skip
    return [
        {
            "description": why,
            "stage": stage,
            **({"hex": data.hex()} if isinstance(data, bytes) else {"checkpoint": data}),
        }
        for stage, why, data in cases
    ]


def _refused_vkeys(key: Key) -> list[Json]:
    name, key_id = key.name, key.key_id.hex()
    cases = (
        ("no text", ""),
        ("the private key", key.skey),
        ("the key ID of another key", f"{name}+00000000+{b64(key.public)}"),
        ("another name, so another key ID", f"other+{key_id}+{b64(key.public)}"),
        ("another algorithm", f"{name}+{key_id}+{b64(b'%c' % 2 + key.public[1:])}"),
        ("31 bytes of key", f"{name}+{key_id}+{b64(key.public[:-1])}"),
        ("a key ID of three bytes", f"{name}+{key_id[:6]}+{b64(key.public)}"),
        ("a key that is not base64", f"{name}+{key_id}+!!!!"),
        ("no key", f"{name}+{key_id}"),
        ("no name", f"+{key_id}+{b64(key.public)}"),
    )
    return [{"description": why, "vkey": text} for why, text in cases]


# Digests of the engine.


def digests() -> Json:
    retained = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "annotations": {"universe.ai/retain": "true"},
            "name": "agent-worker-workspace",
            "namespace": "default",
        },
    }
    cluster_wide = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "research"}}
    manifests = [
        {
            "body": body,
            "cbor": cbor(body).hex(),
            "description": what,
            "digest": sha256(cbor(body)).hexdigest(),
            "id": identifier,
            "retain": retain,
        }
        for what, body, identifier, retain in (
            ("namespaced", MANIFEST, MANIFEST_ID, False),
            (
                "to be retained",
                retained,
                "v1/PersistentVolumeClaim/default/agent-worker-workspace",
                True,
            ),
            ("without a namespace", cluster_wide, "v1/Namespace/research", False),
        )
    ]
    entries = [{name: each[name] for name in ("digest", "id", "retain")} for each in manifests]
    slices: dict[str, Json] = {
        "universe.ai/Agent/default/b": {"deleting": False},
        "universe.ai/Agent/default/a": {"deleting": True, "size": 1},
        "universe.ai/Universe/main": {},
    }
    return {
        "description": "Digests of manifests, of plans and of states.",
        "manifests": manifests,
        "plans": [
            {
                "description": what,
                "digest": sha256(cbor({"manifests": listed})).hexdigest(),
                "manifests": listed,
            }
            for what, listed in (
                ("no manifest", []),
                ("all manifests above", entries),
                ("the same in another order", entries[::-1]),
            )
        ],
        "states": [
            {
                "description": what,
                "digest": sha256(
                    b"".join(
                        sha256(cbor({subject: chosen[subject]})).digest()
                        for subject in sorted(chosen)
                    )
                ).hexdigest(),
                "slices": chosen,
            }
            for what, chosen in (
                ("nothing observed", {}),
                ("three subjects, to be sorted", slices),
            )
        ],
    }


def documents() -> dict[str, str]:
    """Return the text of every vector file, by name."""
    made = {
        "batch": batch(),
        "chain": chain(),
        "checkpoint": checkpoint(),
        "digests": digests(),
        "headers": headers(),
        "merkle": merkle(),
        "payload_hashes": payload_hashes(),
        "payloads": payloads(),
        "segment": segment(),
    }
    return {
        f"{name}.json": json.dumps(document, indent=1, sort_keys=True) + "\n"
        for name, document in made.items()
    }


def main() -> None:
    """Write the vector files beside this one."""
    for name, text in documents().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
