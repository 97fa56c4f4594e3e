"""The fixed words of the filter language, in both languages, and what they stand for."""

from __future__ import annotations

from dataclasses import dataclass

from storeops.i18n import language


@dataclass(frozen=True, slots=True)
class Term:
    """One value of a closed list.

    Attributes:
        value: what is stored and written in JSON.
        slug: the English word of the filter language.
        english: its name for people.
        chinese: its name for people, also taken by the filter language.
    """

    value: str
    slug: str
    english: str
    chinese: str

    @property
    def label(self) -> str:
        """Its name in the user's language."""
        return self.chinese if language() == "zh_CN" else self.english


def _terms(rows: str) -> tuple[Term, ...]:
    found = []
    for line in rows.strip().splitlines():
        value, slug, english, chinese = (part.strip() for part in line.split("|"))
        found.append(Term(value, slug, english, chinese))
    return tuple(found)


# `deleted` is the field deleted_by_customer_at.
STATUSES = _terms("""
    active       | active       | active                     | 在跟进
    missing      | missing      | missing                    | 疑似流失
    lost         | lost         | lost                       | 已流失
    handed_over  | handed_over  | handed over                | 已移交
    unassigned   | unassigned   | unassigned                 | 待分配
    out_of_scope | out_of_scope | out of scope               | 不可见
    deleted      | deleted      | deleted by the customer    | 被客户删除
""")

# add_way, doc 92114
WAYS = _terms("""
    0   | unknown          | unknown                        | 未知来源
    1   | scan             | QR code                        | 扫描二维码
    2   | phone            | phone search                   | 搜索手机号
    3   | card             | business card                  | 名片分享
    4   | group            | group chat                     | 群聊
    5   | contacts         | phone book                     | 手机通讯录
    6   | wechat           | WeChat contact                 | 微信联系人
    8   | install          | third-party service desk       | 第三方应用客服
    9   | email            | email search                   | 搜索邮箱
    10  | channels         | Channels                       | 视频号
    11  | schedule         | schedule participant           | 日程参与人
    12  | meeting          | meeting participant            | 会议参与人
    13  | friend           | WeCom of a WeChat friend       | 微信好友的企业微信
    14  | hardware         | smart hardware desk            | 智慧硬件客服
    15  | home-service     | door-to-door service desk      | 上门服务客服
    16  | link             | acquisition link               | 获客链接
    17  | custom           | custom development             | 定制开发
    18  | demand           | demand reply                   | 需求回复
    21  | presales         | third-party pre-sales desk     | 第三方售前客服
    22  | partner          | possible partner               | 可能的商务伙伴
    24  | request          | accepted WeChat request        | 接受微信好友申请
    201 | shared           | internal sharing               | 内部共享
    202 | assigned         | assigned by an administrator   | 管理员分配
""")

TYPES = _terms("""
    1 | wechat | WeChat user | 微信用户
    2 | wecom  | WeCom user  | 企业微信用户
""")

GENDERS = _terms("""
    0 | unknown | unknown | 未知
    1 | male    | male    | 男
    2 | female  | female  | 女
""")

HAS = _terms("""
    phone       | phone       | phone       | 手机
    remark      | remark      | remark      | 备注
    description | description | description | 描述
    tag         | tag         | tag         | 标签
    state       | state       | state       | 渠道
    unionid     | unionid     | unionid     | unionid
    group       | group       | group chat  | 群
""")

CLOSED: dict[str, tuple[Term, ...]] = {
    "status": STATUSES,
    "way": WAYS,
    "type": TYPES,
    "gender": GENDERS,
    "has": HAS,
}

# what may stand before the colon; the first of each line is the key, the others are its twins
KEYS: dict[str, str] = {
    name: names[0]
    for names in (
        ("owner", "负责人", "员工"),
        ("tag", "标签"),
        ("store", "门店", "店"),
        ("status", "状态"),
        ("state", "渠道"),
        ("way", "来源", "添加方式"),
        ("since", "自", "从"),
        ("until", "至", "到"),
        ("type", "类型"),
        ("gender", "性别"),
        ("has", "有"),
        ("group", "群"),
        ("owners", "负责人数"),
        ("id", "客户号"),
    )
    for name in names
}


def label(key: str, value: object) -> str:
    """The name of a stored value of `status`, `way`, `type` or `gender` for people."""
    wanted = str(value)
    for term in CLOSED[key]:
        if term.value == wanted:
            return term.label
    return wanted
