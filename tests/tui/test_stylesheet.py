"""Styles that are not worked out again are those that Textual works out afresh."""

from __future__ import annotations

from textual.css.stylesheet import Stylesheet

from tui.stylesheet import CachedStylesheet


def styles(app) -> dict[object, object]:
    """Every widget of every screen on the stack: its styles and those of its components."""
    return {
        node: (
            dict(node.styles.base._rules),
            {name: dict(each.base._rules) for name, each in node._component_styles.items()},
        )
        for screen in app.screen_stack
        for node in screen.walk_children(with_self=True)
    }


async def test_as_if_worked_out_afresh(screens):
    """After going about, opening windows, focus, another size and another theme."""
    async with screens(start="today") as driver:
        for keys in (
            ("2",), ("f",), ("tab",), ("escape", "slash"), ("escape", "question_mark"),
            ("escape", "1"), ("f10",), ("escape", "5"), ("f12",), ("2", "t"), ("escape",),
        ):  # fmt: skip
            await driver.press(*keys)
            if keys == ("f10",):
                await driver.resize(160, 48)
            ours = styles(driver.app)
            sheet = driver.app.stylesheet
            plain = Stylesheet(variables=driver.app.get_css_variables())
            plain.source = dict(sheet.source)
            plain.parse()
            plain.update(driver.app, animate=False)
            for screen in driver.app.screen_stack:
                plain.update(screen, animate=False)
            assert ours == styles(driver.app), keys


async def test_what_has_not_changed_is_not_worked_out(screens, monkeypatch):
    """A screen that comes back asks for the styles of few of its widgets."""
    async with screens(start="today") as driver:
        await driver.press("2", "1", "2", "1")
        asked, worked_out = [], []
        apply, beneath = CachedStylesheet.apply, Stylesheet.apply
        monkeypatch.setattr(
            CachedStylesheet, "apply", lambda *a, **k: asked.append(a[1]) or apply(*a, **k)
        )
        monkeypatch.setattr(
            Stylesheet, "apply", lambda *a, **k: worked_out.append(a[1]) or beneath(*a, **k)
        )
        await driver.press("2")
        widgets = {id(each) for each in driver.base.walk_children(with_self=True)}
        again = sum(id(each) in widgets for each in worked_out)
        assert 2 * again < sum(id(each) in widgets for each in asked)
