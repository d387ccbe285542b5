"""The tools through which agents speak: MCP over streamable HTTP, each request complete in itself."""
