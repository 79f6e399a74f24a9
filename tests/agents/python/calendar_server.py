"""An MCP server with one tool, for agents that load tools when they need them."""

from mcp.server import MCPServer

server = MCPServer("calendar")


@server.tool()
def next_event(day: str) -> str:
    """The next event in the calendar of the user."""
    return f"On {day}: a walk."


if __name__ == "__main__":
    server.run()
