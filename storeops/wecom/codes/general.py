"""General codes, token, network, permission, throttling (06 §1.1, §1.6)."""

from __future__ import annotations

from storeops.i18n import N_
from storeops.wecom.errcodes import CodeRow, Kind, Retry

_SECRET = N_(
    "Copy the app's secret again from the WeCom console and enter it with `storeops profile add`."
)
_PERMISSION = N_(
    "In the WeCom console open Customer Contact, then API, and add this app to 可调用接口的应用."
)
_SCOPE = N_("Widen the app's visible scope in the WeCom console, or leave this one out.")
_BUG = N_("This is an error in storeops; please report it with the path and the code.")
_ALERT = N_("Stop, and ask the corp's WeCom administrator.")

ROWS = (
    CodeRow(
        -1,
        Retry.BACK_OFF,
        Kind.SERVER,
        N_("WeCom is busy"),
        N_("Try again in a minute; storeops already tried several times."),
    ),
    CodeRow(
        6000,
        Retry.BACK_OFF,
        Kind.CONFLICT,
        N_("somebody else wrote the same data at the same moment"),
        N_("Sync, look at the present value, and try again."),
    ),
    CodeRow(40001, Retry.NEVER, Kind.ACCESS, N_("the secret is wrong for this corp"), _SECRET),
    CodeRow(
        40013,
        Retry.NEVER,
        Kind.ACCESS,
        N_("WeCom does not know this corp id"),
        N_("Compare the profile's corp id with My Company in the WeCom console."),
    ),
    CodeRow(
        40014,
        Retry.TOKEN,
        Kind.ACCESS,
        N_("the access token is not valid"),
        N_("Check that corp id, app and secret belong together, then run `storeops doctor`."),
    ),
    CodeRow(
        40033,
        Retry.NEVER,
        Kind.REQUEST,
        N_("the request holds characters WeCom does not take"),
        _BUG,
    ),
    CodeRow(
        40056,
        Retry.NEVER,
        Kind.REQUEST,
        N_("the agent id is wrong"),
        N_("Compare the profile's agent id with the app's page in the WeCom console."),
    ),
    CodeRow(40091, Retry.NEVER, Kind.ACCESS, N_("the secret is not valid"), _SECRET),
    CodeRow(
        40141,
        Retry.NEVER,
        Kind.ACCESS,
        N_("the corp's account is in an abnormal condition"),
        _ALERT,
    ),
    CodeRow(
        40203,
        Retry.NEVER,
        Kind.REQUEST,
        N_("the request uses a parameter that WeCom gave up"),
        _BUG,
    ),
    CodeRow(
        40206,
        Retry.NEVER,
        Kind.REQUEST,
        N_("the request is too large"),
        N_("Split it into smaller parts."),
    ),
    CodeRow(41001, Retry.NEVER, Kind.ACCESS, N_("the access token is missing"), _BUG),
    CodeRow(
        41002,
        Retry.NEVER,
        Kind.ACCESS,
        N_("the corp id is missing"),
        N_("Enter it with `storeops profile add`."),
    ),
    CodeRow(
        41004,
        Retry.NEVER,
        Kind.ACCESS,
        N_("the secret is missing"),
        N_("Enter it with `storeops profile add`."),
    ),
    CodeRow(
        41011,
        Retry.NEVER,
        Kind.REQUEST,
        N_("the agent id is missing"),
        N_("Enter it with `storeops profile add`."),
    ),
    CodeRow(
        42001,
        Retry.TOKEN,
        Kind.ACCESS,
        N_("the access token has expired"),
        N_("Check this machine's clock and the secret, then run `storeops doctor`."),
    ),
    CodeRow(
        43009,
        Retry.NEVER,
        Kind.ACCESS,
        N_("the corp is not verified"),
        N_("The corp's WeCom administrator has to verify the corp first."),
    ),
    CodeRow(
        45009,
        Retry.WAIT,
        Kind.LIMIT,
        N_("the API was called too often"),
        N_("Wait; storeops pauses this API until its window has ended."),
    ),
    CodeRow(
        45031,
        Retry.NEVER,
        Kind.ACCESS,
        N_("the secret is too weak"),
        N_("Reset the app's secret in the WeCom console and enter the new one."),
    ),
    CodeRow(
        45033,
        Retry.NARROW,
        Kind.LIMIT,
        N_("too many calls of this API at the same time"),
        N_("Try again in a moment; storeops already sends fewer at a time."),
    ),
    CodeRow(
        45035,
        Retry.NARROW,
        Kind.LIMIT,
        N_("two calls worked on the same member or customer at the same time"),
        N_("Try again in a moment; let only one program write."),
    ),
    CodeRow(
        46004,
        Retry.NEVER,
        Kind.NOT_FOUND,
        N_("the named member does not exist"),
        N_("Sync the staff and choose a present member."),
    ),
    CodeRow(48001, Retry.NEVER, Kind.ACCESS, N_("the app has no right to this API"), _PERMISSION),
    CodeRow(48002, Retry.NEVER, Kind.ACCESS, N_("the app may not call this API"), _PERMISSION),
    CodeRow(
        48005,
        Retry.NEVER,
        Kind.REQUEST,
        N_("WeCom has closed this API"),
        N_("Install a newer storeops."),
    ),
    CodeRow(
        48006,
        Retry.NEVER,
        Kind.ACCESS,
        N_("the permission was withdrawn because it was not used for long"),
        N_("The administrator has to grant it to the app again in the WeCom console."),
    ),
    CodeRow(
        48008,
        Retry.NEVER,
        Kind.ACCESS,
        N_("the right to edit contacts covers only some calls"),
        N_("Make this change in the WeCom console."),
    ),
    CodeRow(
        48009,
        Retry.NEVER,
        Kind.ACCESS,
        N_("the contact-sync secret is used from a new IP"),
        N_("Use the secret of a self-built app, or an IP used within the last 90 days."),
    ),
    CodeRow(49004, Retry.NEVER, Kind.ACCESS, N_("the signature does not match"), _BUG),
    CodeRow(
        50001,
        Retry.NEVER,
        Kind.ACCESS,
        N_("the redirect domain is not trusted"),
        N_("Add the domain to the app's trusted domains in the WeCom console."),
    ),
    CodeRow(50002, Retry.NEVER, Kind.ACCESS, N_("the member is outside the app's range"), _SCOPE),
    CodeRow(
        50003,
        Retry.NEVER,
        Kind.ACCESS,
        N_("the app is disabled"),
        N_("Enable the app in the WeCom console."),
    ),
    CodeRow(
        50006,
        Retry.NEVER,
        Kind.ACCESS,
        N_("the system app is disabled"),
        N_("Enable the app in the WeCom console."),
    ),
    CodeRow(
        60011,
        Retry.NEVER,
        Kind.ACCESS,
        N_("the member, department or tag is outside the app's visible scope"),
        _SCOPE,
    ),
    CodeRow(
        60020,
        Retry.NEVER,
        Kind.ACCESS,
        N_("this machine's IP is not trusted for the app"),
        N_("Add the IP to the app's 企业可信IP in the WeCom console; it works a minute later."),
    ),
    CodeRow(
        60021, Retry.NEVER, Kind.ACCESS, N_("the member is outside the app's visible scope"), _SCOPE
    ),
    CodeRow(60030, Retry.NEVER, Kind.ACCESS, N_("outside the app's visible scope"), _SCOPE),
    CodeRow(60031, Retry.NEVER, Kind.ACCESS, N_("the app may not call any API"), _ALERT),
    CodeRow(
        81026,
        Retry.BACK_OFF,
        Kind.SERVER,
        N_("this function is under maintenance"),
        N_("Try again in some minutes."),
    ),
    CodeRow(
        301002,
        Retry.NEVER,
        Kind.ACCESS,
        N_("the app has no right to this thing"),
        N_("Change it in the WeCom console, or with the app that made it."),
    ),
    CodeRow(301007, Retry.NEVER, Kind.ACCESS, N_("the corp is dissolved or banned"), _ALERT),
    CodeRow(670001, Retry.NEVER, Kind.ACCESS, N_("the app is not shared with this corp"), _ALERT),
    CodeRow(
        701008,
        Retry.NEVER,
        Kind.ACCESS,
        N_("the members have no valid interoperation licence"),
        N_("Buy or activate licences for these members."),
    ),
    CodeRow(
        2000002,
        Retry.NEVER,
        Kind.REQUEST,
        N_("the corp id parameter is not valid"),
        N_("Compare the profile's corp id with My Company in the WeCom console."),
    ),
)
