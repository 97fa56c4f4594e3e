"""Other people's SDKs, unmodified, against a sandbox: run by an interpreter that has them.

`python sdks.py NAME '{"base_url": …, "corp_id": …, "secret": …, "contact_secret": …, …}'` prints
one JSON object of what the SDK saw. Only the address is changed, by subclass or constructor.
Nothing of storeops is imported here, and nothing is installed.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from typing import Any


def wechatpy(at: dict[str, Any]) -> dict[str, Any]:
    """wechatpy 1.8 (PyPI): gender goes as a number, bodies as raw UTF-8 without a content type."""
    from wechatpy.enterprise import WeChatClient
    from wechatpy.exceptions import WeChatClientException

    class Client(WeChatClient):  # type: ignore[misc]
        API_BASE_URL = at["base_url"] + "/cgi-bin/"

        def fetch_access_token(self) -> Any:
            return self._fetch_access_token(
                url=self.API_BASE_URL + "gettoken",
                params={"corpid": self.corp_id, "corpsecret": self.secret},
            )

    contacts = Client(at["corp_id"], at["contact_secret"])
    app = Client(at["corp_id"], at["secret"])
    made = contacts.user.create(
        "wechatpy.new", "新人", department=1, mobile=13755550003, gender=1, position="导购"
    )
    tag = contacts.tag.create("讲师")["tagid"]
    contacts.tag.add_users(str(tag), ["wechatpy.new"])
    listed = app.user.list(1, fetch_child=True)
    owner, customer = at["owner"], at["customer"]
    unassigned = app.external_contact.get_unassigned_list(0, "100")
    app.external_contact.mark_tag(owner, customer, add_tag=[at["tag_id"]])
    refused = ""
    try:
        app.external_contact.mark_tag(owner, customer, add_tag=["etNobody"])
    except WeChatClientException as error:
        refused = f"{error.errcode} {error.errmsg}"
    not_offered = ""
    try:
        app.menu.delete(1000002)
    except WeChatClientException as error:
        not_offered = f"{error.errcode} {error.errmsg}"
    groups = app.external_contact_group_chat.list_all(limit=1)
    return {
        "created": made["errmsg"],
        "mobile": contacts.user.get("wechatpy.new")["mobile"],
        "gender": contacts.user.get("wechatpy.new")["gender"],
        "members": len(listed),
        "enabled": sum(m["enable"] for m in listed),
        "tagged": [u["userid"] for u in contacts.tag.get_users(str(tag))["userlist"]],
        "unassigned": len(unassigned["info"]),
        "customer": app.external_contact.get(customer)["external_contact"]["external_userid"],
        "groups": len(list(groups)),
        "refused": refused,
        "not_offered": not_offered,
    }


def wework(at: dict[str, Any]) -> dict[str, Any]:
    """wework 0.1 (PyPI), the vendor's own sample code: everything in the query must be text."""
    from wework.AbstractApi import AbstractApi, ApiException
    from wework.CorpApi import CORP_API_TYPE, CorpApi

    AbstractApi._AbstractApi__make_url = staticmethod(lambda path: at["base_url"] + path)
    contacts = CorpApi(at["corp_id"], at["contact_secret"])

    def call(what: str, /, **args: Any) -> Any:
        return contacts.httpCall(CORP_API_TYPE[what], args)

    made = call(
        "USER_CREATE", userid="wework.new", name="新人", mobile=13755550004, gender=2,
        department=1, enable="1",
    )  # fmt: skip
    existed = ""
    try:
        call("USER_CREATE", userid="other", name="x", mobile="13755550004", department=1)
    except ApiException as error:
        existed = f"{error.err_code} {error.err_msg}"
    tag = call("TAG_CREATE", tagname="店长", tagid="44")["tagid"]
    call("TAG_ADD_USER", tagid=str(tag), userlist=["wework.new"])
    listed = call("USER_LIST", department_id="1", fetch_child="1")["userlist"]
    return {
        "created": made["errmsg"],
        "mobile": call("USER_GET", userid="wework.new")["mobile"],
        "gender": call("USER_GET", userid="wework.new")["gender"],
        "members": len(listed),
        "enabled": sum(m["enable"] for m in listed),
        "tagged": [u["userid"] for u in call("TAG_GET_USER", tagid=str(tag))["userlist"]],
        "existed": existed,
    }


def wecom_crm_mcp(at: dict[str, Any]) -> dict[str, Any]:
    """wecom-crm-mcp 0.1 (PyPI), asynchronous; `limit` goes as text here."""
    from wecom_crm_mcp.client import WecomClient
    from wecom_crm_mcp.config import WecomConfig
    from wecom_crm_mcp.exceptions import WecomAPIError
    from wecom_crm_mcp.modules.customer import CustomerModule
    from wecom_crm_mcp.modules.group_chat import GroupChatModule
    from wecom_crm_mcp.modules.tag import TagModule

    async def run(folder: str) -> dict[str, Any]:
        config = WecomConfig(at["corp_id"], at["secret"], base_url=at["base_url"], cache_dir=folder)
        async with WecomClient(config) as client:
            customers, tags = CustomerModule(client), TagModule(client)
            followers = (await customers.list_followers())["follow_user"]
            pages, cursor = 0, ""
            rows: list[Any] = []
            while True:
                page = await customers.batch_get(followers[:100], cursor=cursor, limit="100")
                rows += page["external_contact_list"]
                pages, cursor = pages + 1, page["next_cursor"]
                if not cursor:
                    break
            made = await tags.add_corp_tag(group_name="渠道", tag=[{"name": 2026}])
            twice = ""
            try:
                await tags.add_corp_tag(group_name="渠道", tag=[{"name": "2026"}])
            except WecomAPIError as error:
                twice = str(error)
            chats = await GroupChatModule(client).list_groupchats(limit="1")
            return {
                "followers": len(followers),
                "rows": len(rows),
                "pages": pages,
                "tag": made["tag_group"]["tag"][0]["name"],
                "twice": twice,
                "groups": len(chats["group_chat_list"]),
            }

    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(run(folder))


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](json.loads(sys.argv[2]))))
