"""Advice that many codes share."""

from __future__ import annotations

from storeops.i18n import N_

ALERT = N_("Stop, and ask the corp's WeCom administrator.")
BUG = N_("This is an error in storeops; please report it with the path and the code.")
CONSOLE = N_("Make this change in the WeCom console.")
CUSTOMERS = N_("Sync the customers and look at the present owner.")
DEPARTMENTS = N_("Sync the departments and choose a present one.")
ENABLE = N_("Enable the app in the WeCom console.")
ENABLE_MEMBER = N_(
    "Switch customer contact on for the member in the WeCom console, and look at the app's scope."
)
ENTER = N_("Enter it with `storeops profile add`.")
GROUPS = N_("Sync the groups and choose a present one.")
NAME = N_("Leave out special characters and keep it short.")
PERMISSION = N_(
    "In the WeCom console open Customer Contact, then API, and add this app to 可调用接口的应用."
)
PROVIDER = N_("Nothing to do here: only apps of service providers meet this code.")
REPORT = N_("Check the values; the text of WeCom in the details names the field.")
SCOPE = N_("Widen the app's visible scope in the WeCom console, or leave this one out.")
SECRET = N_(
    "Copy the app's secret again from the WeCom console and enter it with `storeops profile add`."
)
SHORTEN = N_("Make it shorter.")
SPLIT = N_("Ask for less at a time.")
STAFF = N_("Sync the staff and choose a present member.")
WAIT = N_("Wait for its result; nothing needs to be sent.")
