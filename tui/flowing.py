"""Text that breaks between wide characters, too.

Textual breaks lines at blanks alone: to it a Chinese sentence is one long word, so that a number in
its middle sends the rest of it to the next line and leaves half of this one empty.
"""

from __future__ import annotations

from textual.content import Content
from textual.css.styles import RulesMap
from textual.strip import Strip
from textual.style import Style
from textual.visual import RenderOptions

from storeops.plain import wrap


class Flowing(Content):
    """Content that fills its lines whatever it is written in."""

    def broken(self, width: int) -> Content:
        """The same with a line break wherever `width` cells end a line."""
        lines = []
        for paragraph in self.split(allow_blank=True):
            text, at = paragraph.plain, 0
            for line in wrap(text, width):
                at = text.index(line, at)
                lines.append(paragraph[at : at + len(line)])
                at += len(line)
        return Content("\n").join(lines)

    def get_height(self, rules: RulesMap, width: int) -> int:
        """Lines at a width in cells."""
        return self.broken(width).plain.count("\n") + 1

    def render_strips(
        self, width: int, height: int | None, style: Style, options: RenderOptions
    ) -> list[Strip]:
        """The lines."""
        return self.broken(width).render_strips(width, height, style, options)


def flowing(content: Content | str) -> Flowing:
    """A text, or content with its styles, that breaks where it can."""
    content = Content(content) if isinstance(content, str) else content
    return Flowing(content.plain, list(content.spans))
