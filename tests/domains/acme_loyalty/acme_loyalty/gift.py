"""A kind of plan: note the gift in the description of the relation; undone like any remark."""

from storeops.domains.remarks.remarks import RemarkAction


class GiftAction(RemarkAction):
    """One gift a row."""

    name = "loyalty_gift"
    title = "gifts"
