"""Runs in a frontend image: another frontend as a child, and the names of the calls that it makes.

    python3 -I -S -B -m relay PROGRAM ARGUMENT...

Bytes pass unchanged; of what the child sends, the headers of HTTP/2 are read. The daemon's log gets
the calls, and what the child took of processor and memory.
"""

import json
import os
import sys
import threading
from collections.abc import Callable, Iterator

from frontend.gateway.hpack import Decoder

MARK = "hutch-bench "
PREFACE = 24


def calls(data: bytes) -> Iterator[str]:
    """The methods that are called, in order, in all that a client sent (RFC 9113 4.1, 6.2)."""
    decoder, at, block = Decoder(), PREFACE, b""
    while at + 9 <= len(data):
        size, kind, flags = int.from_bytes(data[at : at + 3], "big"), data[at + 3], data[at + 4]
        if at + 9 + size > len(data):
            return
        payload = data[at + 9 : at + 9 + size]
        at += 9 + size
        if kind == 1:
            if flags & 0x8:
                payload = payload[1 : len(payload) - payload[0]]
            block = payload[5:] if flags & 0x20 else payload
        elif kind == 9:
            block += payload
        else:
            continue
        if flags & 0x4:
            path = dict(decoder.decode(block)).get(b":path", b"")
            yield path.decode().rpartition("/")[2]


def pump(source: int, target: int, seen: Callable[[bytes], None] = lambda data: None) -> None:
    """Carry bytes until the source ends."""
    while data := os.read(source, 1 << 16):
        seen(data)
        view = memoryview(data)
        while view:
            view = view[os.write(target, view) :]


def most_memory(process: int) -> int:
    """The most bytes that a process had so far; 0 where it is over.

    What wait4 says holds what this process had when it forked.
    """
    with open(f"/proc/{process}/status") as status:
        found = [line.split()[1] for line in status if line.startswith("VmHWM:")]
    return int(found[0]) * 1024 if found else 0


def main() -> None:
    """Run the child, and end as it does."""
    to_child, from_child = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(to_child[0], 0)
        os.dup2(from_child[1], 1)
        os.closerange(3, 64)
        os.execv(sys.argv[1], sys.argv[1:])
    os.close(to_child[0])
    os.close(from_child[1])
    sent, memory = bytearray(), [0]

    def seen(data: bytes) -> None:
        sent.extend(data)
        memory.append(most_memory(child))

    threading.Thread(target=pump, args=(0, to_child[1]), daemon=True).start()
    pump(from_child[0], 1, seen)
    _, status, usage = os.wait4(child, 0)
    told = {
        "calls": list(calls(bytes(sent))),
        "cpu": usage.ru_utime + usage.ru_stime,
        "memory": max(memory),
    }
    print(MARK + json.dumps(told), file=sys.stderr, flush=True)
    os._exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
