"""The live page: JSON and server-sent events of what the views show, and the files of the page itself."""
