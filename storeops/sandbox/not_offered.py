"""Paths that WeCom has and this sandbox has not: a caller is told so, and `calls` shows it.

A path that WeCom has not stays an empty 404, as WeCom answers it.
"""

from __future__ import annotations

ERRCODE = 48001  # the caller has no right to this function
OUTCOME = "not offered"  # in the counters

_NAMES = {
    "": "get_jsapi_ticket ticket/get corp/get_join_qrcode",
    "agent/": "get set list set_workbench_template get_workbench_template set_workbench_data",
    "auth/": "getuserinfo getuserdetail",
    "batch/": "invite syncuser replaceuser replaceparty getresult userid_to_openuserid",
    "calendar/": "add update get del",
    "checkin/": "getcheckinoption getcorpcheckinoption getcheckindata getcheckin_daydata "
    "getcheckin_monthdata getcheckinschedulist setcheckinschedulist addcheckinuserface",
    "corpgroup/": "corp/list_app_share_info corp/gettoken corp/get_chain_list corp/get_chain_group "
    "corp/get_chain_corpinfo_list corp/get_chain_corpinfo corp/remove_corp "
    "corp/get_chain_user_custom_id import_chain_contact getresult get_corp_shared_chain_list "
    "unionid_to_external_userid unionid_to_pending_id rule/list_ids rule/add_rule "
    "rule/get_rule_info rule/modify_rule rule/delete_rule",
    "export/": "simple_user user department taguser get_result",
    "externalcontact/": "add_msg_template get_groupmsg_list_v2 get_groupmsg_list "
    "get_groupmsg_task get_groupmsg_send_result get_group_msg_result remind_groupmsg_send "
    "cancel_groupmsg_send close_temp_chat customer_acquisition_quota add_moment_task "
    "get_moment_task_result cancel_moment_task get_moment_list get_moment_task "
    "get_moment_customer_list get_moment_send_result get_moment_comments add_product_album "
    "get_product_album get_product_album_list update_product_album delete_product_album "
    "add_intercept_rule get_intercept_rule_list get_intercept_rule update_intercept_rule "
    "del_intercept_rule get_subscribe_mode get_subscribe_qr_code finish_external_userid_migration",
    "externalcontact/customer_acquisition/": "list_link get create_link update_link delete_link "
    "customer statistic get_chat_info",
    "externalcontact/group_welcome_template/": "add edit get del",
    "externalcontact/groupchat/": "add_join_way get_join_way update_join_way del_join_way",
    "externalcontact/moment_strategy/": "list get get_range create edit del",
    "externalpay/": "get_bill_list get_payment_info get_fund_flow getmerchant set_mch_use_scope "
    "addmerchant delmerchant",
    "kf/": "sync_msg send_msg send_msg_on_event service_state/get service_state/trans account/add "
    "account/list account/update account/del servicer/add servicer/del servicer/list "
    "add_contact_way customer/batchget get_corp_statistic get_servicer_statistic",
    "linkedcorp/": "agent/get_perm_list user/get user/simplelist user/list department/list "
    "message/send",
    "media/": "get/jssdk uploadimg upload_attachment upload_by_url get_upload_by_url_result",
    "menu/": "create get delete",
    "message/": "update_template_card update_taskcard get_statistics",
    "miniapppay/": "create_order get_order close_order get_sign refund get_refund_detail get_bill "
    "upload_image apply_mch get_applyment_status",
    "miniprogram/": "jscode2session",
    "msgaudit/": "get_permit_user_list check_single_agree check_room_agree groupchat/get",
    "oa/": "gettemplatedetail applyevent getapprovalinfo getapprovaldetail getopenapprovaldata "
    "approval/create_template approval/update_template approval/copytemplate "
    "vacation/getcorpconf vacation/getuservacationquota vacation/setoneuserquota "
    "journal/get_record_list journal/get_record_detail journal/get_stat_list journal/export_doc "
    "journal/get_export_doc_result schedule/add schedule/update schedule/get schedule/del "
    "schedule/get_by_calendar schedule/add_attendees schedule/del_attendees "
    "calendar/add calendar/update calendar/get calendar/del",
    "service/": "get_provider_token get_suite_token get_pre_auth_code set_session_info "
    "get_permanent_code get_auth_info get_corp_token "
    "externalcontact/unionid_to_external_userid_3rd",
    "user/": "getuserinfo getuserdetail authsucc convert_to_openid convert_to_userid getuserid "
    "get_userid_by_email get_active_stat get_join_qrcode",
    "wedoc/": "create_doc rename_doc del_doc get_doc_base_info doc_share smartsheet/add_records "
    "smartsheet/get_records smartsheet/update_records smartsheet/delete_records "
    "smartsheet/add_fields smartsheet/get_fields smartsheet/update_fields "
    "smartsheet/delete_fields smartsheet/add_sheet smartsheet/get_sheet smartsheet/update_sheet "
    "smartsheet/delete_sheet smartsheet/webhook",
    "wedrive/": "space_create space_info file_list file_upload file_download file_create "
    "file_rename file_move file_delete file_info file_upload_init file_upload_part "
    "file_upload_finish",
}
PATHS = frozenset(folder + name for folder, names in _NAMES.items() for name in names.split())


def find(path: str) -> str:
    """The path behind /cgi-bin/ when WeCom has it and the sandbox has not, else ""."""
    name = path.removeprefix("/cgi-bin/")
    return name if name != path and name in PATHS else ""
