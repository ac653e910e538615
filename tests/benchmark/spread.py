"""How sessions and requests spread over the masters of a Redis Cluster, from what one session costs here.

python3 tests/benchmark/spread.py [SESSIONS] [REQUESTS A SECOND] [SHARE OF WRITES]

The bytes are those that `tests/bench --growth` prints, and the times those of `tests/bench --servers`, of a server without
`SET .. IFEQ`. Keys are random, and a slot is CRC-16 of the key, as Redis does it; visitors are unequally busy, the busiest in
a thousand about a hundred times as much as the usual one.
"""

import base64
import binascii
import math
import random
import sys

BYTES = 506  # of a session of six fields, its key and deadline included
LOAD, COMMIT = 0.2, 3.8  # µs of the server's one thread, for its own work
NETWORK = 4.7  # µs to take a pipelined command and answer it
BUSY = 0.6  # of that thread, so that the queue before it stays short
ROOM = 24e9  # bytes of sessions on a machine of 32 GB
SLOTS, SAMPLE = 16_384, 200_000


def masters_for(sessions, requests, writes):
    each = LOAD + NETWORK + writes * (COMMIT + NETWORK)
    by_load = math.ceil(requests * each / 1e6 / BUSY)
    by_memory = math.ceil(sessions * BYTES / ROOM)
    return each, by_load, by_memory


def spread(masters):
    """How much more than its share the fullest and the busiest master has."""
    kept, asked = [0] * masters, [0.0] * masters
    for _ in range(SAMPLE):
        key = b"starsessions:session:" + base64.urlsafe_b64encode(random.randbytes(32)).rstrip(b"=")
        master = binascii.crc_hqx(key, 0) % SLOTS * masters // SLOTS
        kept[master] += 1
        asked[master] += random.lognormvariate(0, 1.5)
    return max(kept) * masters / sum(kept) - 1, max(asked) * masters / sum(asked) - 1


def main():
    given = [float(it) for it in sys.argv[1:]]
    sessions, requests, writes = given + [1e8, 1e6, 0.2][len(given):]
    each, by_load, by_memory = masters_for(sessions, requests, writes)
    masters = max(by_load, by_memory)
    random.seed(1)
    fuller, busier = spread(masters)
    print(f"a request takes {each:.1f} µs of a master; {by_load} masters for the load, {by_memory} for the memory")
    print(f"with {masters}: {sessions * BYTES / masters / 1e9:.1f} GB and {requests / masters:,.0f} requests a second each")
    print(f"in a sample of {SAMPLE}: the fullest has {fuller:.1%} more than its share, the busiest {busier:.1%}")
    print(f"one session: at most {1e6 / (LOAD + NETWORK):,.0f} reads or {1e6 / (COMMIT + NETWORK):,.0f} writes a second, the whole master")


main()
