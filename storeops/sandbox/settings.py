"""Every knob of the sandbox, with what it does and which line of the contract it stands for."""

from __future__ import annotations

import dataclasses
from typing import Any


def _knob(default: Any, doc: str) -> Any:
    return dataclasses.field(default=default, metadata={"doc": doc})


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """One frozen set of rules; a change makes a new one (`changed`), so no call sees half of it."""

    # --- the wire
    latency_ms: int = _knob(0, "Milliseconds every API call takes before it is carried out.")
    trusted_ips: tuple[str, ...] = _knob(
        (), "Caller addresses the apps trust; empty trusts everybody, else 60020."
    )
    cursor_life_s: int = _knob(
        1800, "Seconds of sandbox time a paging cursor lives, then 50100 (life undocumented)."
    )
    max_body_bytes: int = _knob(
        2_000_000, "Bytes of a request body before 40206 (figure undocumented)."
    )
    max_answer_bytes: int = _knob(
        20_000_000, "Bytes of an unpaged answer before 45029 (figure undocumented)."
    )
    reject_unicode_escapes: bool = _knob(
        False, r"Answer 40033 to \uXXXX escapes in a body (unsure whether enforced today)."
    )
    scalar_lists: tuple[str, ...] = _knob(
        ("department",),
        "Lists of a body that may come as one scalar, with the warning; `*`: all (unsure).",
    )
    # --- callbacks (doc 90930)
    callback_check_ms: int = _knob(1000, "Milliseconds the check of the address may take.")
    callback_timeout_ms: int = _knob(5000, "Milliseconds an event may stay unanswered.")
    callback_retries: int = _knob(3, "Times an unanswered event is sent again (1+3, unsure).")
    callback_retry_ms: int = _knob(1000, "Milliseconds before it is (spacing undocumented).")
    callback_resign: bool = _knob(True, "A retry is encrypted and signed anew (unsure).")
    callback_parallel: int = _knob(1, "Events on their way at the same time.")
    callback_repeat_rate: float = _knob(0.0, "Share of answered events that are sent once more.")
    callback_drop_rate: float = _knob(0.0, "Share of events that are never sent.")
    callback_reorder: int = _knob(0, "Events that are shuffled among each other; 0 = in order.")
    # --- tokens
    token_life_s: int = _knob(7200, "Seconds of sandbox time an access token is valid (doc 91039).")
    repeat_expires_in: str = _knob(
        "full", "expires_in of a repeated gettoken: `full` life or `remaining` seconds (unsure)."
    )
    bad_secret_hour_limit: int = _knob(
        2000, "Wrong secrets an address may send in an hour before it is blocked for one hour."
    )
    contact_sync_new_ip: bool = _knob(
        True, "The contact-sync secret calls from a new address: 48009 on most reads (doc 96079)."
    )
    legacy_app_fields: bool = _knob(
        False, "Apps made before 2022-06-20 still see mobile, email, gender, avatar … of members."
    )
    # --- messages (doc 90236, 99110)
    robot_minute_limit: int = _knob(20, "Messages of a robot in any 60 seconds before 45009.")
    message_minute_limit: int = _knob(
        30, "Messages of an app to a member in any 60 seconds before they are dropped unsaid."
    )
    welcome_delivery_s: int = _knob(
        0, "Seconds in which a greeting is delivered: another one gets 41096, later 41051."
    )
    # --- limits (doc 90312)
    in_flight_limit: int = _knob(
        5, "Calls in flight per corp and API before 45033 (number unpublished; staff named 5)."
    )
    customer_write_limit: int = _knob(
        1, "Writes in flight for one customer before 45035 (number unpublished)."
    )
    minute_limit: int = _knob(10_000, "Calls per corp and API in a minute before 45009.")
    hour_limit: int = _knob(150_000, "Calls per corp and API in an hour before 45009.")
    ip_minute_limit: int = _knob(20_000, "Calls per address and API in a minute before 45009.")
    ip_hour_limit: int = _knob(600_000, "Calls per address and API in an hour before 45009.")
    idconvert_hour_limit: int = _knob(
        100_000, "Calls of idconvert/unionid_to_external_userid in an hour before 45009."
    )
    debug_minute_limit: int = _knob(5, "Calls with debug=1 per API in a minute before 45009.")
    ban_minute_s: int = _knob(60, "Seconds an API stays blocked after a minute limit was passed.")
    ban_hour_s: int = _knob(3600, "Seconds an API stays blocked after an hour limit was passed.")
    refused_calls_count: bool = _knob(
        True, "Calls refused while an API is blocked count towards its limits too (unsure)."
    )
    # --- customers (02)
    empty_member_errcode: int = _knob(
        84061, "externalcontact/list of a member without customers; 0 = an empty list."
    )
    no_contact_errcode: int = _knob(
        84061, "A member without customer contact: 84061 or 84083 (unsure)."
    )
    invisible_member_errcode: int = _knob(
        60111, "A member outside the app's scope in customer calls: 60111 or 60011 (unsure)."
    )
    batch_empty_errcode: int = _knob(
        84061, "batch/get_by_user when no named member has a customer; 0 = empty list (unsure)."
    )
    batch_bad_member: str = _knob(
        "fail",
        "batch/get_by_user with an unknown or left member: `fail` the call or `skip` (unsure).",
    )
    batch_empty_list_errcode: int = _knob(
        40058, "batch/get_by_user without members: 40058, 40063 or 41009 (unsure)."
    )
    batch_legacy_userid: bool = _knob(
        True, "batch/get_by_user still takes the single `userid` of old clients (unsure)."
    )
    short_page_rate: float = _knob(
        0.0, "Share of pages that hold fewer rows than asked while more follow (unsure)."
    )
    unionid_bound: bool = _knob(
        True, "The corp has bound a WeChat developer account, so customers carry a unionid."
    )
    remark_empty_errcode: int = _knob(
        40058, "remark with none of its five fields: 40058 or 40063 (unsure)."
    )
    remark_company_type2: str = _knob(
        "ignore", "remark_company for a WeCom user: `ignore` it or `keep` it."
    )
    remark_pic_type2_errcode: int = _knob(
        40058, "remark_pic_mediaid for a WeCom user; 0 = ignored (unsure)."
    )
    forbidden_words: tuple[str, ...] = _knob(
        (), "Words in a remark or tag name that answer 85002 (which calls check is unsure)."
    )
    contact_list_max: int = _knob(1000, "Largest page of contact_list (unsure); more is clamped.")
    tmp_openid_life_s: int = _knob(14_400, "Seconds a tmp_openid stays the same (doc 99434).")
    strategy_callers: str = _knob(
        "customer", "Who may call strategies: every `customer` app or `none` (unsure)."
    )
    strategy_delete_children: str = _knob(
        "refuse", "Deleting a strategy that has children: `refuse` or `delete` them (unsure)."
    )
    # --- contact ways (08)
    contact_way_cap: int = _knob(500_000, "Contact ways of the corp before 41045.")
    contact_way_leavers: str = _knob(
        "kept", "Who left, in get_contact_way: still named (`kept`) or `dropped` (unsure)."
    )
    # --- tags (03)
    tag_cap: int = _knob(10_000, "Corp and strategy tags together before 40126 (3,000 or 10,000).")
    tags_per_follow: int = _knob(3000, "Tags on one relation before 40058 (doc 92118).")
    tag_not_owned_errcode: int = _knob(
        81011, "Editing or deleting a tag of somebody else: 81011, 40068 or 301002 (unsure)."
    )
    tag_no_group_errcode: int = _knob(
        40058, "add_corp_tag without group_id and group_name: 40058 or 40068 (unsure)."
    )
    tag_foreign_group_errcode: int = _knob(
        0, "add_corp_tag into a group somebody else made: 0 = allowed, else 81011 (unsure)."
    )
    tag_list_unknown_errcode: int = _knob(
        40068, "get_corp_tag_list naming an unknown id; 0 = left out (unsure)."
    )
    tag_delete_max: int = _knob(500, "Ids in one del_corp_tag before 40058 (undocumented).")
    tag_both_lists: str = _knob(
        "remove", "mark_tag with one id in both lists: `add`, `remove` or `refuse` (unsure)."
    )
    tag_repeat_errcode: int = _knob(
        0, "mark_tag adding a tag already set or removing one not set; 0 = silent (unsure)."
    )
    # --- unassigned, groups, statistics (doc 92124, 92120, 92132)
    unassigned_narrow_scope: str = _knob(
        "all", "Unassigned rows for an app that does not see the whole corp: `all` or `none`."
    )
    leaver_groups_unfiltered: bool = _knob(
        True, "groupchat/list with status_filter 1 and no owners shows leavers' groups (unsure)."
    )
    group_owner_filter_cap: int = _knob(
        1000, "Visible people above which groupchat/list without owners answers 81017."
    )
    group_owners_errcode: int = _knob(
        40058, "More than 100 owners in owner_filter: 40058 or 81017 (unsure)."
    )
    group_limit_errcode: int = _knob(
        40058, "groupchat/list without a limit or outside 1–1000 (unsure)."
    )
    group_scope_errcode: int = _knob(
        60011, "groupchat/get when the owner is out of scope: 60011 or 84061 (unsure)."
    )
    group_notice: str = _knob("absent", "notice of a group without one: `absent` or `empty`.")
    stats_today: bool = _knob(False, "Group statistics answer for today too (the page says no).")
    behavior_today: bool = _knob(
        True, "get_user_behavior_data answers for today with growing figures (one report)."
    )
    stats_zero_rows: bool = _knob(
        True, "groupchat/statistic lists owners without groups as a row of zeros (unsure)."
    )
    behavior_subdepartments: bool = _knob(
        True, "partyid of get_user_behavior_data includes the departments below (unsure)."
    )
    # --- handover of customers (doc 92125, 94088, 94081, 94082)
    handover_hours: int = _knob(24, "Hours after which a handover happens unless it was declined.")
    handover_at_once_rate: float = _knob(0.05, "Share of customers who agree at once.")
    handover_early_rate: float = _knob(0.25, "Share of customers who agree within the time.")
    handover_refuse_rate: float = _knob(0.03, "Share of customers who refuse within the time.")
    handover_delete_rate: float = _knob(
        0.01, "Share of customers who delete the former owner within the time (shows as 3)."
    )
    handover_tags_travel: bool = _knob(
        True, "Corp and personal tags move on to the successor's relation (unsure)."
    )
    handover_remark_travels: bool = _knob(
        True, "Remark, description, mobiles move on to the successor's relation (unsure)."
    )
    handover_taker_errors: str = _knob(
        "call", "A successor who may not take over fails the `call` or each `customer` (unsure)."
    )
    handover_left_errcode: int = _knob(60111, "The on-the-job call for somebody who left (unsure).")
    handover_running_errcode: int = _knob(
        40100, "A customer whose handover is running: 40100 or 40129 (unsure)."
    )
    handover_gone_errcode: int = _knob(
        84061, "A customer whose relation ended: 84061 or 40131 (unsure)."
    )
    handover_capacity: str = _knob(
        "both", "When a full successor shows: at the `request`, at `settle`, or `both` (unsure)."
    )
    handover_capacity_counts_waiting: bool = _knob(
        False, "Customers on their way count towards the capacity at the request (unsure)."
    )
    handover_repeat_limit: int = _knob(
        2, "On-the-job handovers of one customer before 40128 (older page: 1)."
    )
    handover_repeat_days: int = _knob(90, "Natural days in which those are counted.")
    handover_repeat_counts: str = _knob(
        "accepted", "Which of them count: every `accepted` request or only `done` ones (unsure)."
    )
    handover_year_days: int = _knob(
        365, "Days since leaving, or without login, after which 40205 is answered."
    )
    handover_result_lag_s: int = _knob(
        0, "Seconds until a new request shows in transfer_result (seen to be empty at first)."
    )
    handover_settle_lag_s: int = _knob(0, "Seconds until an outcome shows in transfer_result.")
    handover_result_rows: str = _knob(
        "all", "Rows of a customer asked several times: `all` attempts or the `newest` (reports)."
    )
    handover_result_order: str = _knob(
        "newest", "Order of transfer_result: `newest`, `oldest` or `shuffled` (unsure)."
    )
    handover_broken_status: int = _knob(
        5, "Status when the relation or the successor went meanwhile; 0 = no row (unsure)."
    )
    handover_unknown_pair_errcode: int = _knob(
        0, "transfer_result of a pair that never was; 0 = an empty list (unsure)."
    )
    handover_fail_events: bool = _knob(
        True, "Refusals and full successors send transfer_fail (disputed for refusals)."
    )
    resigned_can_refuse: bool = _knob(
        True, "Customers of a leaver can refuse (the page lists 3, a field guide denies it)."
    )
    resigned_refusal_drops: bool = _knob(
        True, "Who refuses a leaver's handover leaves the unassigned pool (staff answer)."
    )
    resigned_message_errcode: int = _knob(
        0, "transfer_success_msg after leaving; 0 = ignored (unsure)."
    )
    # --- handover of group chats (doc 95703, 92127)
    group_handover_s: int = _knob(60, "Seconds a leaver's group needs to go from 2 to 3.")
    group_move_lag_s: int = _knob(0, "Seconds until an on-the-job change of owner shows.")
    group_done_to_normal_s: int = _knob(
        0, "Seconds after which status 3 becomes 0 again; 0 = never (unsure)."
    )
    group_daily_limit: int = _knob(300, "Groups a new owner may be given on one Beijing day.")
    group_daily_counts: str = _knob(
        "taker", "Counted per new owner (`taker`) or per `pair` of old and new (unsure)."
    )
    group_daily_errcode: int = _knob(45009, "A group beyond the daily limit (unsure).")
    group_repeat_errcode: int = _knob(45009, "A group handed over too often on the job (unsure).")
    group_full_members: int = _knob(99, "WeChat members from which a group answers 90503.")
    group_failed_list: str = _knob(
        "empty", "failed_chat_list when nothing failed: `empty` or `absent` (unsure)."
    )
    # --- contacts
    list_id_default_limit: int = _knob(
        10_000, "Rows of user/list_id when no limit is given (undocumented)."
    )
    department_cap: int = _knob(30_000, "Departments of the corp before 81001.")
    department_depth: int = _knob(15, "Levels of departments before 81002.")
    head_count_cap: int = _knob(50_000, "Members of the corp before 45024.")
    userid_changes: int = _knob(
        1, "Times a userid can be changed before 40058 (doc 90197: once; code unsure)."
    )
    direct_leader_cap: int = _knob(1, "direct_leader entries before 60257: 1 (new) or 5 (old).")
    create_missing_departments: bool = _knob(
        False, "user/create makes unknown departments and reports them (some versions do)."
    )

    def changed(self, values: dict[str, Any]) -> Settings:
        """The same rules with some of them replaced; raises ValueError naming the bad one."""
        known = {f.name: f for f in dataclasses.fields(self)}
        clean: dict[str, Any] = {}
        for name, value in values.items():
            if name not in known:
                raise ValueError(f"no such setting: {name}")
            clean[name] = _coerced(name, known[name].default, value)
        return dataclasses.replace(self, **clean)

    def as_json(self) -> dict[str, Any]:
        """All values by name, lists for tuples."""
        return {
            f.name: list(v) if isinstance(v := getattr(self, f.name), tuple) else v
            for f in dataclasses.fields(self)
        }

    def meanings(self) -> dict[str, str]:
        """What each setting does, and which line of the contract it stands for."""
        return {f.name: str(f.metadata["doc"]) for f in dataclasses.fields(self)}


CHOICES: dict[str, tuple[str, ...]] = {
    "repeat_expires_in": ("full", "remaining"),
    "batch_bad_member": ("fail", "skip"),
    "remark_company_type2": ("ignore", "keep"),
    "strategy_callers": ("customer", "none"),
    "strategy_delete_children": ("refuse", "delete"),
    "tag_both_lists": ("add", "remove", "refuse"),
    "unassigned_narrow_scope": ("all", "none"),
    "group_notice": ("absent", "empty"),
    "handover_taker_errors": ("call", "customer"),
    "contact_way_leavers": ("kept", "dropped"),
    "handover_capacity": ("request", "settle", "both"),
    "handover_repeat_counts": ("accepted", "done"),
    "handover_result_rows": ("all", "newest"),
    "handover_result_order": ("newest", "oldest", "shuffled"),
    "group_daily_counts": ("taker", "pair"),
    "group_failed_list": ("empty", "absent"),
}


def _coerced(name: str, default: Any, value: Any) -> Any:
    kind = type(default)
    if kind is tuple:
        if isinstance(value, str):
            value = [part for part in value.split(",") if part]
        if isinstance(value, list) and all(isinstance(v, str) for v in value):
            return tuple(value)
    elif kind is bool:
        if isinstance(value, bool):
            return value
        if value in ("true", "1", "on", 1):
            return True
        if value in ("false", "0", "off", 0):
            return False
    elif kind is int and not isinstance(value, bool):
        if isinstance(value, int) or (isinstance(value, str) and value.isdigit()):
            number = int(value)
            if number >= 0:
                return number
    elif kind is float and not isinstance(value, bool):
        try:
            number_f = float(value)
        except (TypeError, ValueError):
            number_f = -1.0
        if 0.0 <= number_f <= 1.0:
            return number_f
    elif kind is str and isinstance(value, str) and value in CHOICES.get(name, (value,)):
        return value
    wanted = " or ".join(CHOICES[name]) if name in CHOICES else kind.__name__
    raise ValueError(f"{name} must be {wanted}, not {value!r}")


def described() -> list[tuple[str, Any, str]]:
    """(name, default, meaning) of every setting, in the order of the file."""
    return [(f.name, f.default, f.metadata["doc"]) for f in dataclasses.fields(Settings)]
