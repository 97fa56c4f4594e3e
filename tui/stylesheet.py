"""The stylesheet of the screens: no text is parsed twice, no style worked out that has not changed.

Textual parses all styles anew for every screen that is opened first, and works out those of every
widget with all its component classes whenever a screen comes back or a class changes. Both are
most of what opening a screen costs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from textual.app import App
from textual.cache import LRUCache
from textual.css.model import SelectorType
from textual.css.stylesheet import Stylesheet
from textual.dom import DOMNode
from textual.widget import Widget

if TYPE_CHECKING:
    from textual.css.model import RuleSet
    from textual.css.styles import RulesMap
    from textual.css.types import CSSLocation

# What a node on the way from the app to a widget is to the selectors.
Step = tuple[Any, ...]

PARSED: LRUCache[tuple[Any, ...], list[RuleSet]] = LRUCache(1024)  # of this process: rules are read
# what no step says of its node: such rules are worked out every time
UNTOLD = Stylesheet._EXCLUDE_PSEUDO_CLASSES_FROM_CACHE


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the rules that may concern a widget or its component classes ask.

    Attributes:
        rules: in their order; held, so that ids stay theirs.
        ids: of `rules`.
        classes: that they name, of the widget or of what it stands in.
        told: whether steps tell all that they ask.
    """

    rules: list[RuleSet]
    ids: tuple[int, ...]
    classes: frozenset[str]
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
            frozenset(each.name for each in selectors if each.type is SelectorType.CLASS),
            all(rule.pseudo_classes.isdisjoint(UNTOLD) for rule in rules),
        )


_Known = tuple[tuple[Step, ...], _Asked]


class CachedStylesheet(Stylesheet):
    """Textual's, which remembers what each widget was when its styles were worked out."""

    def __init__(self, *, variables: dict[str, str] | None = None) -> None:
        super().__init__(variables=variables)
        self._values = tuple(sorted(self._variables.items()))
        self._known: WeakKeyDictionary[DOMNode, _Known] = WeakKeyDictionary()
        self._asked: dict[tuple[type[DOMNode], frozenset[str]], _Asked] = {}
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
        known = tuple(_step(each, asked.classes) for each in node.css_path_nodes), asked
        before = self._known.get(node)
        if before is not None and before[0] == known[0] and before[1].ids == asked.ids:
            node.notify_style_update()
            return
        super().apply(node, animate=animate, cache=cache)
        if asked.told:
            self._known[node] = known
        else:
            self._known.pop(node, None)

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


def _step(node: DOMNode, classes: frozenset[str]) -> Step:
    if isinstance(node, Widget):
        about: Step = (node.mouse_hover, node.has_focus, node.disabled, node.allow_focus())
    elif isinstance(node, App):
        theme = node.current_theme
        about = (node.app_focus, theme.dark, node.native_ansi_color, node.no_color, node.is_inline)
    else:
        about = ()
    return (type(node), node._id, classes & node._classes, about)
