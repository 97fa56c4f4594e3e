"""The stylesheet of the screens: no text is parsed twice, no style worked out that has not changed.

Textual parses all styles anew for every screen that is opened first, and works out those of every
widget with all its component classes whenever a screen comes back or a class changes. Both are
most of what opening a screen costs.
"""

from __future__ import annotations

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

# What a node on the way from the app to a widget is to the selectors.
Step = tuple[Any, ...]
# The steps to a widget, the rules that may concern it (by id, and held so that ids stay theirs).
_Known = tuple[tuple[Step, ...], tuple[int, ...], tuple["RuleSet", ...]]

PARSED: LRUCache[tuple[Any, ...], list[RuleSet]] = LRUCache(1024)  # of this process: rules are read
# what no step says of its node: such rules are worked out every time
UNTOLD = Stylesheet._EXCLUDE_PSEUDO_CLASSES_FROM_CACHE


class HouseStylesheet(Stylesheet):
    """Textual's, which remembers what each widget was when its styles were worked out."""

    def __init__(self, *, variables: dict[str, str] | None = None) -> None:
        super().__init__(variables=variables)
        self._values = tuple(sorted(self._variables.items()))
        self._known: WeakKeyDictionary[DOMNode, _Known] = WeakKeyDictionary()
        self._rules_of: dict[tuple[type[DOMNode], frozenset[str]], tuple[RuleSet, ...]] = {}
        self._places: dict[int, int] = {}  # id of a rule → its place among all

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
        self._rules_of.clear()
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
        rules = self._rules_for(node)
        known = tuple(map(_step, node.css_path_nodes)), tuple(map(id, rules)), rules
        before = self._known.get(node)
        if before is not None and before[:2] == known[:2]:
            node.notify_style_update()
            return
        super().apply(node, animate=animate, cache=cache)
        if all(rule.pseudo_classes.isdisjoint(UNTOLD) for rule in rules):
            self._known[node] = known
        else:
            self._known.pop(node, None)

    def _rules_for(self, node: DOMNode) -> tuple[RuleSet, ...]:
        """The rules that may concern a node or its component classes, in their order."""
        by_name = self.rules_map  # sources that came meanwhile are parsed
        names = frozenset(node._selector_names)
        found = self._rules_of.get((type(node), names))
        if found is None:
            components = {f".{each}" for each in node._get_component_classes()}
            rules = {
                self._places[id(rule)]: rule
                for name in by_name.keys() & (names | components)
                for rule in by_name[name]
            }
            found = tuple(rules[at] for at in sorted(rules))
            self._rules_of[type(node), names] = found
        return found


def _step(node: DOMNode) -> Step:
    if isinstance(node, Widget):
        about: Step = (node.mouse_hover, node.has_focus, node.disabled, node.allow_focus())
    elif isinstance(node, App):
        theme = node.current_theme
        about = (node.app_focus, theme.dark, node.native_ansi_color, node.no_color, node.is_inline)
    else:
        about = ()
    return (type(node), node._id, node.classes, about)
