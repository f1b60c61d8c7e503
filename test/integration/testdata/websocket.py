"""A WebSocket server that takes messages apart as the original's do and appends the entries to a file, not very fast.

websocket.py PORT FILE [ENTRIES]

It dies as soon as it has stored so many entries.
"""
import asyncio
import os
import signal
import sys
import time

import snappy
from websockets.asyncio.server import serve

dies = int(sys.argv[3]) if len(sys.argv) > 3 else None
stored = 0


async def take(ws):
    global stored
    headers = ws.request.headers
    assert headers["User-Agent"].startswith("journalpump/")
    with open(sys.argv[2], "ab", buffering=0) as out:
        async for message in ws:
            if headers.get("Journalpump-Compression") == "snappy":
                message = snappy.uncompress(message)
            entries = message.split(b"\0") if "Journalpump-Batch-Size" in headers else [message]
            out.write(b"\n".join(entries) + b"\n")
            before, stored = stored, stored + len(entries)
            if dies is not None and stored >= dies:
                os.kill(os.getpid(), signal.SIGKILL)
            # The library reads on, and answers pings, only when all that it has read before is stored.
            if stored // 20 > before // 20:
                time.sleep(0.003)


async def main():
    async with serve(take, "127.0.0.1", int(sys.argv[1]), max_size=None, max_queue=4) as server:
        await server.serve_forever()


asyncio.run(main())
