#!/usr/bin/env python3
"""Makes the bytes of every vector in this folder again, with nothing but Python's standard library.

Written from the formats in the comments of `starsessions/src/crypto`, not from the code. Random bytes
(nonces, masks) are taken from the vector; all else is computed and compared.
"""

import base64
import hashlib
import hmac
import json
import pathlib


def mac(key, message):
    return hmac.new(key, message, hashlib.sha256).digest()


def le64(number):
    return number.to_bytes(8, "little")


def pae(*pieces):
    return le64(len(pieces)) + b"".join(le64(len(piece)) + piece for piece in pieces)


def hkdf(ikm, salt, info, length):
    return mac(mac(salt, ikm), info + b"\x01")[:length]


def derive(master, purpose, length=32):
    return hkdf(master, b"starsessions/v1", pae(b"starsessions", b"v1", purpose), length)


def keyed(key, secret, purpose):
    return hashlib.sha256(key + bytes(32) + secret + purpose).digest()


def of_session(master, token, purpose):
    return keyed(derive(master, b"index"), unbase64(token)[5:], purpose)


def unbase64(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


# draft-irtf-cfrg-xchacha-03, RFC 8439


def rotate(word, bits):
    return (word << bits | word >> (32 - bits)) & 0xFFFFFFFF


def quarter(s, a, b, c, d):
    s[a] = (s[a] + s[b]) & 0xFFFFFFFF
    s[d] = rotate(s[d] ^ s[a], 16)
    s[c] = (s[c] + s[d]) & 0xFFFFFFFF
    s[b] = rotate(s[b] ^ s[c], 12)
    s[a] = (s[a] + s[b]) & 0xFFFFFFFF
    s[d] = rotate(s[d] ^ s[a], 8)
    s[c] = (s[c] + s[d]) & 0xFFFFFFFF
    s[b] = rotate(s[b] ^ s[c], 7)


def words(data):
    return [int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data), 4)]


def octets(state):
    return b"".join(word.to_bytes(4, "little") for word in state)


def rounds(key, rest):
    start = words(b"expand 32-byte k" + key + rest)
    state = start[:]
    for _ in range(10):
        for column in range(4):
            quarter(state, column, 4 + column, 8 + column, 12 + column)
        for a in range(4):
            quarter(state, a, 4 + (a + 1) % 4, 8 + (a + 2) % 4, 12 + (a + 3) % 4)
    return start, state


def chacha20(key, counter, nonce):
    start, state = rounds(key, counter.to_bytes(4, "little") + nonce)
    return octets((a + b) & 0xFFFFFFFF for a, b in zip(start, state))


def hchacha20(key, nonce):
    state = rounds(key, nonce)[1]
    return octets(state[:4] + state[12:])


def poly1305(key, message):
    r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    total = 0
    for at in range(0, len(message), 16):
        total = (total + int.from_bytes(message[at : at + 16] + b"\x01", "little")) * r % ((1 << 130) - 5)
    return ((total + int.from_bytes(key[16:], "little")) % (1 << 128)).to_bytes(16, "little")


def xchacha20_poly1305(key, nonce, text, aad):
    key, nonce = hchacha20(key, nonce[:16]), bytes(4) + nonce[16:]
    blocks = (len(text) + 63) // 64
    stream = b"".join(chacha20(key, 1 + block, nonce) for block in range(blocks))
    text = bytes(a ^ b for a, b in zip(text, stream))
    padded = b"".join(part + bytes(-len(part) % 16) for part in (aad, text))
    return text + poly1305(chacha20(key, 0, nonce)[:32], padded + le64(len(aad)) + le64(len(text)))


def sealed(key, nonce, text, aad):
    return nonce + xchacha20_poly1305(key, nonce, text, aad)


# The formats: each gives what the vector must hold.


def hexed(vector, *fields):
    return (bytes.fromhex(vector[field]) for field in fields)


def signed_cookie(vector):
    master, payload = hexed(vector, "master", "payload")
    header = b"\x01" + derive(master, b"kid", 4)
    bound = (vector["cookie_name"].encode(), vector["audience"].encode(), header)
    tag = mac(derive(master, b"cookie-sign"), pae(b"starsessions/v1/signed", *bound, payload))
    return {"token": header + payload + tag}


def sealed_cookie(vector):
    master, payload = hexed(vector, "master", "payload")
    header = b"\x02" + derive(master, b"kid", 4)
    bound = (vector["cookie_name"].encode(), vector["audience"].encode(), header)
    nonce = unbase64(vector["token"])[5:29]
    aad = pae(b"starsessions/v1/sealed", *bound)
    return {"token": header + sealed(derive(master, b"cookie-seal"), nonce, payload, aad)}


def derived(vector):
    (master,) = hexed(vector, "master")
    key_id = derive(master, b"kid", 4)
    row = of_session(master, vector["token"], b"lookup")
    subject = pae(b"starsessions/v1/subject", b"shop", b"login.user", b"17")
    realm = mac(derive(master, b"realm"), pae(b"starsessions/v1/realm", b"shop", b"admin"))
    return {
        "key_id": key_id,
        "token": b"\x04" + key_id + unbase64(vector["token"])[5:],
        "lookup": row,
        "record": of_session(master, vector["token"], b"record"),
        "carry": of_session(master, vector["token"], b"carry"),
        "log_id": mac(derive(master, b"log"), row)[:8],
        "csrf": mac(derive(master, b"csrf"), pae(b"starsessions/v1/csrf", row)),
        "subject": mac(derive(master, b"subject"), subject),
        "realm": mac(derive(realm, b"subject"), subject),
    }


def record(vector):
    master, payload, old = hexed(vector, "master", "payload", "sealed")
    row = of_session(master, vector["token"], b"lookup")
    place = (vector["namespace"].encode(), row, bytes([vector["format"]]), le64(vector["revision"]))
    key = of_session(master, vector["token"], b"record")
    return {"sealed": sealed(key, old[:24], payload, pae(b"starsessions/v1/record", *place))}


def card(vector):
    master, row, text, old = hexed(vector, "master", "row", "card", "sealed")
    key_id = derive(master, b"kid", 4)
    aad = pae(b"starsessions/v1/card", vector["namespace"].encode(), row, key_id)
    return {"sealed": key_id + sealed(derive(master, b"card"), old[4:28], text, aad)}


def way(vector):
    master, successor_master, old = hexed(vector, "master", "successor_master", "way")
    payload, carried = hexed(vector, "payload", "carried")
    key_id = derive(successor_master, b"kid", 4)
    way = bytes([vector["kind"]]) + vector["until"].to_bytes(5, "big") + key_id + old[10:]
    assert len(way) == 42
    secret = keyed(derive(master, b"way"), unbase64(vector["token"])[5:], way)
    key = of_session(master, vector["token"], b"carry")
    carried = sealed(key, carried[:24], payload, pae(b"starsessions/v1/way", way))
    return {"way": way, "successor": b"\x04" + key_id + secret, "carried": carried}


def csrf(vector):
    master, row = hexed(vector, "master", "row")
    mask = unbase64(vector["token"])[5:37]
    tag = mac(derive(master, b"csrf"), pae(b"starsessions/v1/csrf", row))
    masked = bytes(a ^ b for a, b in zip(mask, tag))
    return {"token": b"\x05" + derive(master, b"kid", 4) + mask + masked}


def flow(vector):
    master, payload = hexed(vector, "master", "payload")
    hashed = pae(vector["kind"].encode(), vector["state"].encode())
    hashed = mac(b"starsessions/v1/flow-name", hashed)[:16]
    name = vector["cookie_name"] + "-flow-" + text("token", hashed)
    header = b"\x06" + derive(master, b"kid", 4)
    nonce = unbase64(vector["token"])[5:29]
    aad = pae(b"starsessions/v1/flow", name.encode(), header)
    flow = sealed(derive(master, b"flow"), nonce, le64(vector["end"]) + payload, aad)
    return {"name": name, "token": header + flow}


def device(vector):
    master, identity, x, y = hexed(vector, "master", "device", "x", "y")
    row = of_session(master, vector["token"], b"lookup")
    key_id, seal = derive(master, b"kid", 4), derive(master, b"device")
    at, session = vector["at"].to_bytes(5, "big"), unbase64(vector["token"])

    def token(field, version, payload, *bound):
        header, nonce = version + key_id, unbase64(vector[field])[5:29]
        aad = pae(b"starsessions/v1/device-" + field.encode(), header, *bound)
        return header + sealed(seal, nonce, payload, aad)

    public = bytes([2 + y[-1] % 2]) + x
    return {
        "identifier": token("identifier", b"\x07", session + identity + public),
        "invitation": token("invitation", b"\x08", session + at),
        "challenge": token("challenge", b"\x09", at, row, identity),
        "cookie": b"\x0a" + key_id + at + mac(derive(master, b"device-cookie"), row + identity + at),
    }


def binding(vector):
    times = (vector[name].to_bytes(5, "big") for name in ("since", "proved"))
    return {"packed": bytes.fromhex("01" + vector["device"]) + b"".join(times) + bytes.fromhex("".join(vector["used"]))}


FORMATS = {
    "signed": signed_cookie,
    "sealed": sealed_cookie,
    "derived": derived,
    "records": record,
    "cards": card,
    "ways": way,
    "csrf": csrf,
    "flows": flow,
    "devices": device,
    "bindings": binding,
}

TOKENS = {"token", "successor", "identifier", "invitation", "challenge", "cookie"}


def text(field, value):
    if field == "name":
        return value
    if field in TOKENS:
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
    return value.hex()


def check():
    folder = pathlib.Path(__file__).parent
    # Those of `python` were recorded from the Python library itself.
    names = {path.stem for path in folder.glob("*.json")} - {"python"}
    assert names == set(FORMATS), f"other files than formats: {names ^ set(FORMATS)}"
    for name, make in FORMATS.items():
        vectors = json.loads((folder / f"{name}.json").read_text())
        for number, vector in enumerate(vectors):
            for field, value in make(vector).items():
                assert vector[field] == text(field, value), f"{name} {number}: {field}"
        print(f"{name}: {len(vectors)} vectors")


if __name__ == "__main__":
    check()
