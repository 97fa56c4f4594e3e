"""A kind of plan: note the gift in the description of the relation; undone like any remark."""

from storeops.changes.problems import Problem
from storeops.domains.remarks.remarks import RemarkAction


class GiftAction(RemarkAction):
    """One gift a row."""

    name = "loyalty_gift"
    title = "gifts"

    def undo_problems(self, view, rows):
        """Taking a gift back costs something: who undoes it is told."""
        return [Problem("thanks", f"{len(rows)} have said thanks already.", warning=True)]
