"""A WebSocket server that takes messages apart as the original's do and appends the entries to a file, not very fast.

websocket.py PORT FILE
"""
import asyncio
import sys

import snappy
from websockets.asyncio.server import serve


async def take(ws):
    headers = ws.request.headers
    assert headers["User-Agent"].startswith("journalpump/")
    taken = 0
    with open(sys.argv[2], "ab", buffering=0) as out:
        async for message in ws:
            if headers.get("Journalpump-Compression") == "snappy":
                message = snappy.uncompress(message)
            entries = message.split(b"\0") if "Journalpump-Batch-Size" in headers else [message]
            out.write(b"\n".join(entries) + b"\n")
            taken += len(entries)
            if taken >= 20:
                taken = 0
                await asyncio.sleep(0.003)


async def main():
    async with serve(take, "127.0.0.1", int(sys.argv[1]), max_size=None, max_queue=4) as server:
        await server.serve_forever()


asyncio.run(main())
