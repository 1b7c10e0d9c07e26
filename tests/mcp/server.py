"""A server of the official Python SDK behind a check of the bearer token, which stands in a file."""

import asyncio
import sys

import uvicorn
from mcp.server.fastmcp import Context, FastMCP

server = FastMCP("test")


@server.tool()
def echo(text: str) -> str:
    return "echo " + text


@server.tool()
async def count(to: int, ctx: Context) -> str:
    for step in range(to):
        await ctx.report_progress(step, to)
        await ctx.info(f"step {step}")
        await asyncio.sleep(0.1)
    return "counted"


@server.tool()
async def ask(ctx: Context) -> str:
    """Asks the client something in the middle of a call."""
    result = await ctx.session.list_roots()
    return str(result.roots[0].uri)


@server.tool()
async def wait() -> str:
    await asyncio.sleep(30)
    return "never"


class Checked:
    def __init__(self, app, token_file):
        self.app, self.token_file = app, token_file

    async def __call__(self, scope, receive, send):
        if scope["type"] == "http":
            with open(self.token_file, "rb") as file:
                wanted = b"Bearer " + file.read().strip()
            if dict(scope["headers"]).get(b"authorization") != wanted:
                challenge = [(b"www-authenticate", b'Bearer error="invalid_token"')]
                await send({"type": "http.response.start", "status": 401, "headers": challenge})
                await send({"type": "http.response.body", "body": b"{}"})
                return
        await self.app(scope, receive, send)


port, token_file = int(sys.argv[1]), sys.argv[2]
uvicorn.run(Checked(server.streamable_http_app(), token_file), host="127.0.0.1", port=port, log_level="error")
