"""Python's `websockets` against the echo flow: python3 client.py URL COMPRESSION

Prints a line per check; the first that does not hold ends it with code 1.
"""

import asyncio
import json
import random
import sys
import traceback

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

url, compression = sys.argv[1:]


async def leave(ws, code=1000):
    await ws.close(code)
    assert ws.close_code == code, f"sent close {code}, got {ws.close_code}"


async def expect(ws, *messages):
    for want in messages:
        got = await ws.recv()
        assert got == want, f"got {got!r}, not {want!r}"  # str for text, bytes for binary


async def compression_is_agreed_on(ws):
    agreed = [repr(e) for e in ws.protocol.extensions]  # with windows of 2^12 bytes, as it asks for
    assert bool(agreed) == (compression != "off"), agreed
    text = json.dumps(3 * random.randbytes(4096).hex()) + "\n"  # repeats what is further back
    await ws.send(text)
    await expect(ws, text)


async def text_is_answered_with_text(ws):
    await ws.send('{"b":1,"a":1.50}\n')
    await expect(ws, '{"b":1,"a":1.50}\n')


async def binary_is_answered_with_binary(ws):
    await ws.send('{"a":"ü"}\n'.encode())
    await ws.send("2\n")
    await expect(ws, '{"a":"ü"}\n'.encode(), "2\n")


async def a_line_may_span_messages(ws):
    for part in ('{"a":', "[1,", "2]}", "\n"):
        await ws.send(part)
    await expect(ws, '{"a":[1,2]}\n')


async def a_message_may_span_frames(ws):
    await ws.send(['{"a":', '"fragment', '"}\n'])
    await expect(ws, '{"a":"fragment"}\n')


async def several_lines_in_a_message_keep_their_order(ws):
    await ws.send('1\n"two"\n[3]\n{"4":4}\nnull\n')
    await expect(ws, "1\n", '"two"\n', "[3]\n", '{"4":4}\n', "null\n")


async def an_empty_message_is_nothing(ws):
    for part in ("", '{"a":', "", b"", "1}\n"):
        await ws.send(part)
    await expect(ws, '{"a":1}\n')


async def what_is_not_json_has_no_answer_and_harms_nothing(ws):
    await ws.send("nonsense\n1\n")
    await expect(ws, "1\n")


async def a_ping_is_answered_with_its_payload_and_is_no_event(ws):
    for payload in (b"", b"\x00\x01\xff", b"p" * 125):
        await (await ws.ping(payload))  # ends when the same payload comes back
    await ws.send("1\n")
    await expect(ws, "1\n")


async def a_close_is_answered_with_its_code(_):
    for code in (1000, 1001, 1008, 1011, 3000, 3001, 4000, 4999):
        await leave(await connect(url), code)


async def long_and_many(ws):
    lines = [json.dumps({"i": i, "pad": "x" * (i * 7919 % 3000)}) + "\n" for i in range(1000)]
    lines.append(json.dumps("y" * 60_000) + "\n")

    async def send():
        for line in lines:
            await ws.send(line)

    await asyncio.gather(send(), expect(ws, *lines))


async def a_terminating_server_says_1001(ws):
    await ws.send('"last"\n')
    await expect(ws, '"last"\n')
    print("waiting for the server to end", flush=True)
    try:
        await ws.recv()
        raise AssertionError("a message came instead of a close")
    except ConnectionClosed as closed:
        assert closed.rcvd and closed.rcvd.code == 1001, f"closed with {closed.rcvd}"


CHECKS = [
    compression_is_agreed_on,
    text_is_answered_with_text,
    binary_is_answered_with_binary,
    a_line_may_span_messages,
    a_message_may_span_frames,
    several_lines_in_a_message_keep_their_order,
    an_empty_message_is_nothing,
    what_is_not_json_has_no_answer_and_harms_nothing,
    a_ping_is_answered_with_its_payload_and_is_no_event,
    a_close_is_answered_with_its_code,
    long_and_many,
    a_terminating_server_says_1001,
]


async def main():
    for check in CHECKS:
        name = check.__name__.replace("_", " ")
        try:
            async with asyncio.timeout(120):
                ws = await connect(url)
                await check(ws)
                if check is not a_terminating_server_says_1001:
                    await leave(ws)
        except Exception:
            print(f"not ok: {name}", file=sys.stderr)
            traceback.print_exc()
            sys.exit(1)
        print(f"ok: {name}", flush=True)


asyncio.run(main())
