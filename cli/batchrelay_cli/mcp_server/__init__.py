"""`batchrelay mcp`: what a language model may ask of a stack, by the Model Context Protocol.

`tools` says what can be asked, `changing_tools` what can be changed, `answers` in which form it is
answered, `server` puts them together. Only this package imports the SDK, the extra `mcp`.
"""
