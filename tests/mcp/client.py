"""A client of the official Python SDK, whose stdio server is the bridge. It says what it saw, as JSON."""

import asyncio
import json
import os
import sys
import urllib.request

from mcp import ClientSession, StdioServerParameters, types
from mcp.client.stdio import stdio_client

program, url, token_file, calls = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])


def replace_token(token):
    """The vault has the new one first, as after a refresh; then the server takes no other."""
    order = {"op": "set_token", "connection": "linear-x", "identifier": "ada", "token": token}
    request = urllib.request.Request(os.environ["CONTROL_URL"], json.dumps(order).encode())
    urllib.request.urlopen(request).read()
    with open(token_file, "w") as file:
        file.write(token)


async def main():
    seen = {"progress": [], "log": []}

    async def on_progress(done, total, message):
        seen["progress"].append(done)

    async def on_log(params):
        seen["log"].append(params.data)

    async def roots(context):
        return types.ListRootsResult(roots=[types.Root(uri="file:///here")])

    parameters = StdioServerParameters(command=program, args=["mcp", url], env=dict(os.environ))
    async with stdio_client(parameters) as (read, write):
        async with ClientSession(read, write, logging_callback=on_log, list_roots_callback=roots) as session:
            await session.initialize()
            seen["tools"] = sorted(tool.name for tool in (await session.list_tools()).tools)
            answer = await session.call_tool("count", {"to": 3}, progress_callback=on_progress)
            seen["count"] = answer.content[0].text
            seen["ask"] = (await session.call_tool("ask", {})).content[0].text
            waiting = asyncio.create_task(session.call_tool("wait", {}))
            await asyncio.sleep(0.3)
            waiting.cancel()
            gate, right = asyncio.Semaphore(16), 0

            async def one(number):
                async with gate:
                    answer = await session.call_tool("echo", {"text": str(number)})
                    return answer.content[0].text == f"echo {number}"

            for batch in range(0, calls, 50):
                replace_token(f"token-{batch}")
                right += sum(await asyncio.gather(*[one(batch + number) for number in range(50)]))
            seen["right"] = right
    print(json.dumps(seen))


asyncio.run(main())
