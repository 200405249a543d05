"""What a report shows, read back from a terminal's text and from a page."""

from __future__ import annotations

from html.parser import HTMLParser

Tables = dict[str, list[list[str]]]
_VOID = {"meta", "br"}


def tables_of_text(text: str) -> Tables:
    """Rows of cells by the title above their table; without the headings."""
    tables: Tables = {}
    title = ""
    lines = text.splitlines()
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if following.startswith("┏"):
            title = line.strip()
        if line.startswith("│"):
            tables.setdefault(title, []).append([cell.strip() for cell in line.split("│")[1:-1]])
    return tables


class Page(HTMLParser):
    """Reads a page; every element must be closed, in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tables: Tables = {}
        self.attributes: list[tuple[str, str, str]] = []
        """Each (element, attribute, value)."""
        self.texts: dict[str, list[str]] = {}
        """By element, the texts directly in it."""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        self.texts.setdefault(tag, []).append("")
        if tag not in _VOID:
            self._open.append(tag)
        if tag == "tr" and "tbody" in self._open:
            self.tables.setdefault(self.texts["h2"][-1], []).append([])
        if tag == "td":
            self.tables[self.texts["h2"][-1]][-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open:
            self.texts[self._open[-1]][-1] += data
        if "td" in self._open:
            self.tables[self.texts["h2"][-1]][-1][-1] += data
