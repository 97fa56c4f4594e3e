"""The stylesheet of the screens: no text is parsed twice, no style worked out that is known.

Textual parses all styles anew for every screen that is opened first, and works out those of every
widget with all its component classes whenever a screen comes back or a class changes. Both are
most of what opening a screen costs. Two widgets that are the same to all selectors look the same,
so what was worked out for one is given to the next.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from textual.app import App
from textual.cache import LRUCache
from textual.css.stylesheet import Stylesheet
from textual.dom import DOMNode
from textual.widget import Widget

if TYPE_CHECKING:
    from textual.css.model import RuleSet
    from textual.css.styles import RulesMap
    from textual.css.types import CSSLocation

# What a node on the way from the app to a widget is to the selectors that may meet the widget.
Step = tuple[Any, ...]

PARSED: LRUCache[tuple[Any, ...], list[RuleSet]] = LRUCache(1024)  # of this process: rules are read
# what no step says of its node: such rules are worked out every time
UNTOLD = Stylesheet._EXCLUDE_PSEUDO_CLASSES_FROM_CACHE - {"focus-within"}


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the rules that may concern a widget or its component classes ask.

    Attributes:
        rules: in their order; held, so that ids stay theirs.
        ids: of `rules`.
        names: of types, classes and ids, of the widget or of what it stands in.
        within: whether they ask if something inside has the focus.
        told: whether steps tell all that they ask.
    """

    rules: list[RuleSet]
    ids: tuple[int, ...]
    names: frozenset[str]
    within: bool
    told: bool

    @classmethod
    def by(cls, rules: list[RuleSet]) -> _Asked:
        selectors = [
            selector
            for rule in rules
            for selectors in rule.selector_set
            for selector in selectors.selectors
        ]
        return cls(
            rules,
            tuple(map(id, rules)),
            frozenset(each.name for each in selectors),
            any("focus-within" in rule.pseudo_classes for rule in rules),
            all(rule.pseudo_classes.isdisjoint(UNTOLD) for rule in rules),
        )


_Known = tuple[tuple[Step, ...], _Asked]


@dataclass(frozen=True, slots=True)
class _WidgetLook:
    """What was worked out for a widget.

    Attributes:
        asked: held, so that the ids of its rules stay theirs.
        rules: None where no selector meets the widget.
        marks: what Textual notes of such a widget, `MARKS`.
        components: component class → its rules, in Textual's order.
    """

    asked: _Asked
    rules: RulesMap | None
    marks: tuple[bool, ...]
    components: dict[str, RulesMap]


MARKS = ("_has_hover_style", "_has_focus_within", "_has_order_style", "_has_odd_or_even")
# of this process, a screen of ours has about a hundred: what a widget is to its rules → its look
LOOKS: LRUCache[tuple[Any, ...], _WidgetLook] = LRUCache(2048)


class CachedStylesheet(Stylesheet):
    """Textual's, which remembers what each widget was when its styles were worked out."""

    def __init__(self, *, variables: dict[str, str] | None = None) -> None:
        super().__init__(variables=variables)
        self._values = tuple(sorted(self._variables.items()))
        self._known: WeakKeyDictionary[DOMNode, _Known] = WeakKeyDictionary()
        self._asked: dict[tuple[type[DOMNode], frozenset[str]], _Asked] = {}
        self._places: dict[int, int] = {}  # id of a rule → its place among all
        self._replaced: RulesMap | None = None  # the rules that the widget at hand was given

    def set_variables(self, variables: dict[str, str]) -> None:
        """Take other values of `$names`."""
        super().set_variables(variables)
        self._values = tuple(sorted(variables.items()))

    def _parse_rules(
        self,
        css: str,
        read_from: CSSLocation,
        is_default_rules: bool = False,
        tie_breaker: int = 0,
        scope: str = "",
    ) -> list[RuleSet]:
        key = (css, read_from, is_default_rules, tie_breaker, scope, self._values)
        rules = PARSED.get(key)
        if rules is None:
            rules = super()._parse_rules(css, read_from, is_default_rules, tie_breaker, scope)
            PARSED[key] = rules
        return rules

    def parse(self) -> None:
        """Gather the rules of all sources."""
        super().parse()
        self._asked.clear()
        self._places = {id(rule): at for at, rule in enumerate(self._rules)}
        self._rules_map = None

    def reparse(self) -> None:
        """Gather them with other values; after a source that cannot be read all stays as it is."""
        self.parse()

    def apply(
        self,
        node: DOMNode,
        *,
        animate: bool = False,
        cache: dict[tuple[Any, ...], RulesMap] | None = None,
    ) -> None:
        """Work out the styles of a node, unless it is to all selectors what it was before."""
        if not isinstance(node, Widget):  # the app, or what stands for a component class
            super().apply(node, animate=animate, cache=cache)
            return
        asked = self._asked_of(node)
        known = tuple(_step(each, asked) for each in node.css_path_nodes), asked
        before = self._known.get(node)
        if before is not None and before[0] == known[0] and before[1].ids == asked.ids:
            node.notify_style_update()
            return
        if not asked.told:
            super().apply(node, animate=animate, cache=cache)
            self._known.pop(node, None)
            return
        key = (type(node), known[0], asked.ids)
        look = LOOKS.get(key)
        if look is None:
            self._replaced = None
            super().apply(node, animate=animate)
            LOOKS[key] = self._look_of(node, asked)
        else:
            self._give(node, look, animate)
        self._known[node] = known

    def replace_rules(  # type: ignore[override]
        self, node: DOMNode, rules: RulesMap, animate: bool = False
    ) -> None:
        """Give a node its rules."""
        super().replace_rules(node, rules, animate)
        if isinstance(node, Widget):
            self._replaced = rules

    def _look_of(self, node: Widget, asked: _Asked) -> _WidgetLook:
        marks = tuple(bool(getattr(node, each)) for each in MARKS)
        components = {name: each.base._rules for name, each in node._component_styles.items()}
        return _WidgetLook(
            asked, self._replaced, marks, {k: v.copy() for k, v in components.items()}
        )

    def _give(self, node: Widget, look: _WidgetLook, animate: bool) -> None:
        """As `_process_component_classes` and what calls it leave a widget."""
        for name, mark in zip(MARKS, look.marks, strict=True):
            setattr(node, name, mark)
        if look.rules is not None:
            self.replace_rules(node, look.rules, animate)
        before = node._component_styles.copy()
        node._component_styles.clear()
        for name, rules in look.components.items():
            styles = before.get(name)
            if styles is None or styles.base._rules != rules:
                stands_for = DOMNode(classes=name)
                stands_for._attach(node)
                styles = stands_for.styles
                styles.base._rules.update(rules)
            node._component_styles[name] = styles
        if before != node._component_styles:
            node.refresh()

    def _asked_of(self, node: DOMNode) -> _Asked:
        by_name = self.rules_map  # sources that came meanwhile are parsed
        names = frozenset(node._selector_names & by_name.keys())  # not the id of every notice
        asked = self._asked.get((type(node), names))
        if asked is None:
            components = {f".{each}" for each in node._get_component_classes()}
            rules = {
                self._places[id(rule)]: rule
                for name in by_name.keys() & (names | components)
                for rule in by_name[name]
            }
            asked = _Asked.by([rules[at] for at in sorted(rules)])
            self._asked[type(node), names] = asked
        return asked


def _step(node: DOMNode, asked: _Asked) -> Step:
    if isinstance(node, Widget):
        within = asked.within and node.has_focus_within
        about: Step = (node.mouse_hover, node.has_focus, within, node.disabled, node.allow_focus())
    elif isinstance(node, App):
        theme = node.current_theme
        about = (node.app_focus, theme.dark, node.native_ansi_color, node.no_color, node.is_inline)
    else:
        about = ()
    names = asked.names
    name = node._id if node._id in names else None  # not the id of every notice
    return (names & node._css_type_names, name, names & node._classes, about)
