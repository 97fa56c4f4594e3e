"""Every errcode of WeCom that we may meet (doc 90313): one row a line, and what follows.

Columns: errcode, retry class, exit-code kind, reach, meaning, advice; where it matters also the
condition that storeops acts upon, and the console page that puts it right. Jobs, sync, events,
watch, doctor and commands ask `errcodes.lookup` and keep no list of codes of their own.

Reach: a ROW is one customer, group, tag or value; a MEMBER is one of the members a call names;
EVERYTHING is every other call of the same API, because the secret, the app, the corp, this
machine or a limit is refused.
"""

# ruff: noqa: E501  one row a line
# fmt: off
from __future__ import annotations

from storeops.i18n import N_
from storeops.wecom.errcodes import CodeRow, ConsolePage, ErrorCondition, Kind, Reach, Retry

BACK_OFF, TOKEN, WAIT_, NARROW, NEVER, STATE = Retry.BACK_OFF, Retry.TOKEN, Retry.WAIT, Retry.NARROW, Retry.NEVER, Retry.STATE
ACCESS, NOT_FOUND, LIMIT, SERVER, CONFLICT, REQUEST = Kind.ACCESS, Kind.NOT_FOUND, Kind.LIMIT, Kind.SERVER, Kind.CONFLICT, Kind.REQUEST
ROW, MEMBER, EVERYTHING = Reach.ROW, Reach.MEMBER, Reach.EVERYTHING

# -- advice that many codes share
ALERT = N_("Stop, and ask the corp's WeCom administrator.")
BUG = N_("This is an error in storeops; please report it with the path and the code.")
CONSOLE = N_("Make this change in the WeCom console.")
CUSTOMERS = N_("Sync the customers and look at the present owner.")
DEPARTMENTS = N_("Sync the departments and choose a present one.")
ENABLE = N_("Enable the app in the WeCom console.")
ENABLE_MEMBER = N_("Switch customer contact on for the member in the WeCom console, and look at the app's scope.")
ENTER = N_("Enter it with `storeops profile add NAME`.")
GROUPS = N_("Sync the groups and choose a present one.")
NAME = N_("Leave out special characters and keep it short.")
PERMISSION = N_("In the WeCom console open Customer Contact, then API, and add this app to 可调用接口的应用.")
PROVIDER = N_("Nothing to do here: only apps of service providers meet this code.")
REPORT = N_("Check the values; the text of WeCom in the details names the field.")
ROBOT = N_("Copy the robot's webhook address again from the group, and enter it anew.")
SCOPE = N_("Widen the app's visible scope in the WeCom console, or leave this one out.")
SECRET = N_("Copy the app's secret again from the WeCom console and enter it with `storeops profile add NAME`.")
SHORTEN = N_("Make it shorter.")
SPLIT = N_("Ask for less at a time.")
STAFF = N_("Sync the staff and choose a present member.")
WAIT = N_("Wait for its result; nothing needs to be sent.")

# -- pages of the console: the part of its address behind #, and the way there in words
APPS_PAGE = ConsolePage("apps")
CALLABLE_PAGE = ConsolePage("customer/analysis")
CORP_PAGE = ConsolePage("profile", N_("Console: My company → Company information → Company ID (企业ID)."))
IP_PAGE = ConsolePage("apps", N_("Console: App management → the app → 企业可信IP: add this machine's address."))
OWN_SECRET_PAGE = ConsolePage("manageTools/contactSync", N_("Console: App management → the app: copy this app's own Secret; the one of contact sync (通讯录同步) may not read customers."))
SCOPE_PAGE = ConsolePage("apps", N_("Console: App management → the app → Visible scope (可见范围): add the departments."))
SECRET_PAGE = ConsolePage("apps", N_("Console: App management → the app → Secret."))

ROWS = (
    # -- messages, media, robots of groups (doc 90236, 90253, 99110)
    CodeRow(40004, NEVER, REQUEST, ROW, N_("the kind of media is not valid"), REPORT),
    CodeRow(40006, NEVER, REQUEST, ROW, N_("the file is too small or too large"), SHORTEN),
    CodeRow(40008, NEVER, REQUEST, ROW, N_("WeCom does not know this kind of message"), REPORT),
    CodeRow(40009, NEVER, REQUEST, ROW, N_("the picture is too large, or none that WeCom takes"), SHORTEN),
    CodeRow(830002, NEVER, REQUEST, ROW, N_("the file is too large to be fetched at once"), SHORTEN, ErrorCondition.TOO_LARGE),
    CodeRow(44001, NEVER, REQUEST, ROW, N_("the file is empty"), REPORT),
    CodeRow(44004, NEVER, REQUEST, ROW, N_("the message is empty"), REPORT),
    CodeRow(93000, NEVER, ACCESS, ROW, N_("the webhook address of the robot is not valid"), ROBOT),
    CodeRow(93004, NEVER, ACCESS, ROW, N_("somebody has stopped the robot"), ROBOT),
    CodeRow(93008, NEVER, ACCESS, ROW, N_("the robot is not in the group any more"), ROBOT),
    # -- general, token, permission, throttling (doc 90313)
    CodeRow(-1, BACK_OFF, SERVER, ROW, N_("WeCom is busy"), N_("Try again in a minute; storeops already tried several times.")),
    CodeRow(6000, BACK_OFF, CONFLICT, ROW, N_("somebody else wrote the same data at the same moment"), N_("Sync, look at the present value, and try again.")),
    CodeRow(40001, NEVER, ACCESS, EVERYTHING, N_("the secret is wrong for this corp"), SECRET, page=SECRET_PAGE),
    CodeRow(40013, NEVER, ACCESS, EVERYTHING, N_("WeCom does not know this corp id"), N_("Compare the profile's corp id with My Company in the WeCom console."), page=CORP_PAGE),
    CodeRow(40014, TOKEN, ACCESS, EVERYTHING, N_("the access token is not valid"), N_("Check that corp id, app and secret belong together, then run `storeops doctor`.")),
    CodeRow(40033, NEVER, REQUEST, ROW, N_("the request holds characters WeCom does not take"), BUG),
    CodeRow(40056, NEVER, REQUEST, EVERYTHING, N_("the agent id is wrong"), N_("Compare the profile's agent id with the app's page in the WeCom console.")),
    CodeRow(40091, NEVER, ACCESS, EVERYTHING, N_("the secret is not valid"), SECRET),
    CodeRow(40141, NEVER, ACCESS, EVERYTHING, N_("the corp's account is in an abnormal condition"), ALERT),
    CodeRow(40203, NEVER, REQUEST, ROW, N_("the request uses a parameter that WeCom gave up"), BUG),
    CodeRow(40206, NEVER, REQUEST, ROW, N_("the request is too large"), N_("Split it into smaller parts.")),
    CodeRow(41001, NEVER, ACCESS, EVERYTHING, N_("the access token is missing"), BUG),
    CodeRow(41002, NEVER, ACCESS, EVERYTHING, N_("the corp id is missing"), ENTER),
    CodeRow(41004, NEVER, ACCESS, EVERYTHING, N_("the secret is missing"), ENTER),
    CodeRow(41011, NEVER, REQUEST, EVERYTHING, N_("the agent id is missing"), ENTER),
    CodeRow(42001, TOKEN, ACCESS, EVERYTHING, N_("the access token has expired"), N_("Check this machine's clock and the secret, then run `storeops doctor`.")),
    CodeRow(43009, NEVER, ACCESS, EVERYTHING, N_("the corp is not verified"), N_("The corp's WeCom administrator has to verify the corp first.")),
    CodeRow(45002, NEVER, REQUEST, ROW, N_("the message is too long"), SHORTEN),
    CodeRow(45004, NEVER, REQUEST, ROW, N_("the description is too long"), SHORTEN),
    CodeRow(45007, NEVER, REQUEST, ROW, N_("the voice message is too long"), SHORTEN),
    CodeRow(45008, NEVER, REQUEST, ROW, N_("too many articles in one message"), SPLIT),
    CodeRow(45009, WAIT_, LIMIT, EVERYTHING, N_("the API was called too often"), N_("Wait; storeops pauses this API until its window has ended.")),
    CodeRow(45022, NEVER, REQUEST, ROW, N_("the app's name is too long"), SHORTEN),
    CodeRow(45031, NEVER, ACCESS, EVERYTHING, N_("the secret is too weak"), N_("Reset the app's secret in the WeCom console and enter the new one.")),
    CodeRow(45032, NEVER, REQUEST, ROW, N_("the link is too long"), SHORTEN),
    CodeRow(45033, NARROW, LIMIT, ROW, N_("too many calls of this API at the same time"), N_("Try again in a moment; storeops already sends fewer at a time.")),
    CodeRow(45035, NARROW, LIMIT, ROW, N_("two calls worked on the same member or customer at the same time"), N_("Try again in a moment; let only one program write.")),
    CodeRow(46004, NEVER, NOT_FOUND, MEMBER, N_("the named member does not exist"), STAFF),
    CodeRow(48001, NEVER, ACCESS, EVERYTHING, N_("the app has no right to this API"), PERMISSION),
    CodeRow(48002, NEVER, ACCESS, EVERYTHING, N_("the app may not call this API"), PERMISSION, ErrorCondition.NOT_CALLABLE, page=CALLABLE_PAGE),
    CodeRow(48005, NEVER, REQUEST, EVERYTHING, N_("WeCom has closed this API"), N_("Install a newer storeops.")),
    CodeRow(48006, NEVER, ACCESS, EVERYTHING, N_("the permission was withdrawn because it was not used for long"), N_("The administrator has to grant it to the app again in the WeCom console.")),
    CodeRow(48008, NEVER, ACCESS, EVERYTHING, N_("the right to edit contacts covers only some calls"), CONSOLE),
    CodeRow(48009, NEVER, ACCESS, EVERYTHING, N_("the contact-sync secret is used from a new IP"), N_("Use the secret of a self-built app, or an IP used within the last 90 days."), ErrorCondition.OTHER_SECRET, page=OWN_SECRET_PAGE),
    CodeRow(49004, NEVER, ACCESS, ROW, N_("the signature does not match"), BUG),
    CodeRow(50001, NEVER, ACCESS, EVERYTHING, N_("the redirect domain is not trusted"), N_("Add the domain to the app's trusted domains in the WeCom console.")),
    CodeRow(50002, NEVER, ACCESS, MEMBER, N_("the member is outside the app's range"), SCOPE, ErrorCondition.OUT_OF_SCOPE),
    CodeRow(50003, NEVER, ACCESS, EVERYTHING, N_("the app is disabled"), ENABLE, page=APPS_PAGE),
    CodeRow(50006, NEVER, ACCESS, EVERYTHING, N_("the system app is disabled"), ENABLE),
    CodeRow(60011, NEVER, ACCESS, MEMBER, N_("the member, department or tag is outside the app's visible scope"), SCOPE, ErrorCondition.OUT_OF_SCOPE, page=SCOPE_PAGE),
    CodeRow(60020, NEVER, ACCESS, EVERYTHING, N_("this machine's IP is not trusted for the app"), N_("Add the IP to the app's 企业可信IP in the WeCom console; it works a minute later."), ErrorCondition.IP, page=IP_PAGE),
    CodeRow(60021, NEVER, ACCESS, MEMBER, N_("the member is outside the app's visible scope"), SCOPE, ErrorCondition.OUT_OF_SCOPE, page=SCOPE_PAGE),
    CodeRow(60030, NEVER, ACCESS, MEMBER, N_("outside the app's visible scope"), SCOPE, ErrorCondition.OUT_OF_SCOPE, page=SCOPE_PAGE),
    CodeRow(60031, NEVER, ACCESS, EVERYTHING, N_("the app may not call any API"), ALERT),
    CodeRow(81026, BACK_OFF, SERVER, EVERYTHING, N_("this function is under maintenance"), N_("Try again in some minutes."), after_s=300.0),
    CodeRow(301002, NEVER, ACCESS, ROW, N_("the app has no right to this thing"), N_("Change it in the WeCom console, or with the app that made it."), ErrorCondition.TAG_FOREIGN),
    CodeRow(301007, NEVER, ACCESS, EVERYTHING, N_("the corp is dissolved or banned"), ALERT),
    CodeRow(670001, NEVER, ACCESS, EVERYTHING, N_("the app is not shared with this corp"), ALERT),
    CodeRow(701008, NEVER, ACCESS, MEMBER, N_("the members have no valid interoperation licence"), N_("Buy or activate licences for these members."), ErrorCondition.NO_LICENCE),
    CodeRow(2000002, NEVER, REQUEST, EVERYTHING, N_("the corp id parameter is not valid"), N_("Compare the profile's corp id with My Company in the WeCom console.")),
    # -- only apps of service providers meet these
    CodeRow(40080, NEVER, ACCESS, EVERYTHING, N_("the suite secret is wrong"), PROVIDER),
    CodeRow(40082, NEVER, ACCESS, EVERYTHING, N_("the suite token is wrong"), PROVIDER),
    CodeRow(40083, NEVER, ACCESS, EVERYTHING, N_("the suite id is wrong"), PROVIDER),
    CodeRow(40084, NEVER, ACCESS, EVERYTHING, N_("the permanent code is wrong"), PROVIDER),
    CodeRow(40085, NEVER, ACCESS, EVERYTHING, N_("the suite ticket is wrong"), PROVIDER),
    CodeRow(40086, NEVER, ACCESS, EVERYTHING, N_("the provider's app id is wrong"), PROVIDER),
    CodeRow(41021, NEVER, ACCESS, EVERYTHING, N_("the suite id is missing"), PROVIDER),
    CodeRow(41022, NEVER, ACCESS, EVERYTHING, N_("the suite token is missing"), PROVIDER),
    CodeRow(41023, NEVER, ACCESS, EVERYTHING, N_("the suite ticket is missing"), PROVIDER),
    CodeRow(41024, NEVER, ACCESS, EVERYTHING, N_("the suite secret is missing"), PROVIDER),
    CodeRow(41025, NEVER, ACCESS, EVERYTHING, N_("the permanent code is missing"), PROVIDER),
    CodeRow(42007, TOKEN, ACCESS, EVERYTHING, N_("the pre-authorisation code has expired"), PROVIDER),
    CodeRow(42009, TOKEN, ACCESS, EVERYTHING, N_("the suite token has expired"), PROVIDER),
    CodeRow(48003, NEVER, ACCESS, EVERYTHING, N_("the suite id is not valid"), PROVIDER),
    CodeRow(48004, NEVER, ACCESS, EVERYTHING, N_("the corp's authorisation of the suite is gone"), PROVIDER),
    # -- parameters
    CodeRow(40003, NEVER, NOT_FOUND, MEMBER, N_("the member is unknown, has left, or the userid is malformed"), STAFF),
    CodeRow(40007, NEVER, REQUEST, ROW, N_("the media file is unknown or too old"), N_("Upload the file again."), ErrorCondition.MEDIA_GONE),
    CodeRow(40031, NEVER, REQUEST, ROW, N_("the list of members is malformed"), BUG),
    CodeRow(40032, NEVER, REQUEST, ROW, N_("the list of members is too long"), SPLIT),
    CodeRow(40035, NEVER, REQUEST, ROW, N_("a parameter is not valid"), REPORT),
    CodeRow(40050, STATE, NOT_FOUND, ROW, N_("the group chat does not exist"), GROUPS, ErrorCondition.CHAT_GONE),
    CodeRow(40058, NEVER, REQUEST, ROW, N_("a parameter is not valid: too long, too many, empty or malformed"), REPORT),
    CodeRow(40059, NEVER, REQUEST, ROW, N_("a flag is not valid"), BUG),
    CodeRow(40063, NEVER, REQUEST, ROW, N_("a required parameter is empty"), REPORT),
    CodeRow(40066, NEVER, REQUEST, ROW, N_("the list of departments is not valid"), DEPARTMENTS),
    CodeRow(40070, NEVER, REQUEST, ROW, N_("nothing in the tag's range is valid"), DEPARTMENTS),
    CodeRow(40073, NEVER, REQUEST, ROW, N_("the openid is not valid"), N_("Check the openid.")),
    CodeRow(40125, NEVER, REQUEST, ROW, N_("the open_userid is not valid"), PROVIDER),
    CodeRow(41009, NEVER, REQUEST, ROW, N_("the userid is missing"), REPORT),
    CodeRow(41019, NEVER, REQUEST, ROW, N_("the department is missing"), REPORT),
    CodeRow(45024, NEVER, LIMIT, ROW, N_("the corp has reached its number of members"), N_("Ask the administrator to raise the corp's number of members.")),
    CodeRow(45026, NEVER, LIMIT, ROW, N_("WeCom stops deletions of so many at once"), N_("Delete fewer at a time, or in the WeCom console.")),
    CodeRow(45029, NEVER, REQUEST, ROW, N_("the answer would be too large"), SPLIT, ErrorCondition.TOO_LARGE),
    CodeRow(50100, NEVER, CONFLICT, ROW, N_("the place in the list is no longer known"), N_("Begin the list again."), ErrorCondition.STALE_CURSOR),
    CodeRow(81013, NEVER, ACCESS, ROW, N_("none of the members, departments and tags is valid or visible"), SCOPE),
    CodeRow(81017, NEVER, REQUEST, ROW, N_("too many items for one question"), SPLIT),
    CodeRow(82001, NEVER, REQUEST, ROW, N_("members, departments and tags are all empty"), REPORT),
    CodeRow(82002, NEVER, REQUEST, ROW, N_("the list of departments is too long"), SPLIT),
    CodeRow(82003, NEVER, REQUEST, ROW, N_("the list of tags is too long"), SPLIT),
    CodeRow(85002, NEVER, REQUEST, ROW, N_("the text holds forbidden words"), N_("Change the words and try again.")),
    CodeRow(600018, NEVER, REQUEST, ROW, N_("the begin or the end of the time range is not valid"), N_("Choose whole days of the last 180, at most 30 of them, and not today.")),
    # -- departments, members, member tags
    CodeRow(40068, NEVER, NOT_FOUND, ROW, N_("the tag or the tag group is unknown, deleted, or another app's"), N_("Sync the tags and choose a present one."), ErrorCondition.TAG_UNKNOWN),
    CodeRow(40071, NEVER, CONFLICT, ROW, N_("a tag of that name exists already"), N_("Choose another name, or use the existing tag.")),
    CodeRow(40072, NEVER, REQUEST, ROW, N_("the tag's name is empty or too long"), N_("Use 1 to 30 characters.")),
    CodeRow(41017, NEVER, REQUEST, ROW, N_("the tag id is missing"), REPORT),
    CodeRow(41018, NEVER, REQUEST, ROW, N_("the tag name is missing"), REPORT),
    CodeRow(60001, NEVER, REQUEST, ROW, N_("the department's name has a wrong length"), N_("Use 1 to 64 characters.")),
    CodeRow(60003, NEVER, NOT_FOUND, ROW, N_("the department does not exist"), DEPARTMENTS),
    CodeRow(60004, NEVER, NOT_FOUND, ROW, N_("the parent department does not exist"), DEPARTMENTS),
    CodeRow(60005, NEVER, CONFLICT, ROW, N_("the department still has members"), N_("Move its members first.")),
    CodeRow(60006, NEVER, CONFLICT, ROW, N_("the department still has departments below it"), N_("Delete or move them first.")),
    CodeRow(60007, NEVER, CONFLICT, ROW, N_("the top department cannot be deleted"), N_("Choose another department.")),
    CodeRow(60008, NEVER, CONFLICT, ROW, N_("the department exists already"), N_("Choose another name or id.")),
    CodeRow(60009, NEVER, REQUEST, ROW, N_("the department's name holds characters that are not allowed"), NAME),
    CodeRow(60010, NEVER, CONFLICT, ROW, N_("the department would be below itself"), N_("Choose another parent.")),
    CodeRow(60102, NEVER, CONFLICT, ROW, N_("the userid exists already"), N_("Choose another userid.")),
    CodeRow(60103, NEVER, REQUEST, ROW, N_("the mobile number is not valid"), N_("Check the number.")),
    CodeRow(60104, NEVER, CONFLICT, ROW, N_("the mobile number is taken"), N_("Check whose number it is.")),
    CodeRow(60105, NEVER, REQUEST, ROW, N_("the email address is not valid"), N_("Check the address.")),
    CodeRow(60106, NEVER, CONFLICT, ROW, N_("the email address is taken"), N_("Check whose address it is.")),
    CodeRow(60110, NEVER, LIMIT, ROW, N_("the member is in too many departments"), N_("Take the member out of some departments.")),
    CodeRow(60111, STATE, NOT_FOUND, MEMBER, N_("the member is unknown, has left, or is out of scope"), STAFF, ErrorCondition.MEMBER_GONE),
    CodeRow(60112, NEVER, REQUEST, ROW, N_("the member's name is not valid"), NAME),
    CodeRow(60123, NEVER, NOT_FOUND, ROW, N_("the department id is not valid"), DEPARTMENTS),
    CodeRow(60124, NEVER, NOT_FOUND, ROW, N_("the parent department's id is not valid"), DEPARTMENTS),
    CodeRow(60125, NEVER, REQUEST, ROW, N_("the department's name is not valid"), NAME),
    CodeRow(60127, NEVER, REQUEST, ROW, N_("the member has no department"), REPORT),
    CodeRow(60129, NEVER, REQUEST, ROW, N_("mobile number and email are both empty"), N_("Enter one of them.")),
    CodeRow(60132, NEVER, REQUEST, ROW, N_("the list of leaders does not fit the list of departments"), BUG),
    CodeRow(60257, NEVER, REQUEST, ROW, N_("the member has too many direct leaders"), N_("Name fewer leaders.")),
    CodeRow(81001, NEVER, LIMIT, ROW, N_("the department is full (30,000)"), N_("Use several departments.")),
    CodeRow(81002, NEVER, LIMIT, ROW, N_("departments are nested too deep (15)"), N_("Use fewer levels.")),
    CodeRow(81003, NEVER, LIMIT, ROW, N_("the member tag is full (30,000)"), N_("Use several tags.")),
    CodeRow(81011, NEVER, ACCESS, ROW, N_("the tag belongs to another app"), N_("An app may change only tags it made itself; change this one in the WeCom console."), ErrorCondition.TAG_FOREIGN),
    CodeRow(81014, NEVER, REQUEST, ROW, N_("too many members or departments for one call"), SPLIT),
    CodeRow(301005, NEVER, CONFLICT, ROW, N_("the creator of the corp cannot be deleted"), N_("Choose another member.")),
    CodeRow(301021, NEVER, REQUEST, MEMBER, N_("the userid is not valid"), STAFF),
    CodeRow(301036, NEVER, CONFLICT, ROW, N_("the userid cannot be changed any more"), N_("Keep the present userid.")),
    # -- customers, their members, handover
    CodeRow(40096, NEVER, NOT_FOUND, ROW, N_("the customer id is not valid, belongs to another corp, or is out of scope"), CUSTOMERS, ErrorCondition.NOT_VISIBLE),
    CodeRow(40097, NEVER, CONFLICT, MEMBER, N_("the member has not left"), N_("Use the handover on the job; assign in the admin console what still waits.")),
    CodeRow(40098, NEVER, CONFLICT, MEMBER, N_("the member has not verified their real name"), N_("Ask the member to verify their real name in WeCom."), ErrorCondition.NOT_VERIFIED),
    CodeRow(40099, NEVER, LIMIT, MEMBER, N_("the successor cannot take more customers"), N_("Choose another successor."), ErrorCondition.TAKER_FULL),
    CodeRow(40100, STATE, CONFLICT, ROW, N_("this customer is being handed over"), WAIT, ErrorCondition.HANDOVER_RUNNING),
    CodeRow(40126, NEVER, LIMIT, ROW, N_("the tag library is full"), N_("Delete tags that nobody uses.")),
    CodeRow(40128, NEVER, LIMIT, ROW, N_("this customer was already handed over twice within 90 days"), N_("Plan it again when the 90 days are over."), ErrorCondition.NINETY_DAYS),
    CodeRow(40129, STATE, CONFLICT, ROW, N_("a handover of this customer is under way"), WAIT, ErrorCondition.HANDOVER_RUNNING),
    CodeRow(40130, NEVER, REQUEST, ROW, N_("the owner and the successor are the same"), N_("Choose another successor.")),
    CodeRow(40131, NEVER, NOT_FOUND, ROW, N_("the handing-over member does not follow this customer"), CUSTOMERS, ErrorCondition.NOT_THE_OWNERS),
    CodeRow(40132, NEVER, CONFLICT, MEMBER, N_("this is not possible for team accounts"), ALERT),
    CodeRow(40143, NEVER, CONFLICT, MEMBER, N_("one of the two members is banned"), N_("Ask the administrator which member is banned."), ErrorCondition.TAKER_UNFIT),
    CodeRow(40165, NEVER, CONFLICT, ROW, N_("the group's id is already upgraded"), GROUPS),
    CodeRow(40166, NEVER, CONFLICT, ROW, N_("the group's id is not yet upgraded"), GROUPS),
    CodeRow(40204, NEVER, LIMIT, EVERYTHING, N_("WeChat stopped it as spam"), N_("Pause, and ask the administrator before going on.")),
    CodeRow(40205, NEVER, CONFLICT, MEMBER, N_("the member has not logged in for a year"), N_("Ask the member to log in to WeCom with WeChat."), ErrorCondition.IDLE),
    CodeRow(41035, NEVER, REQUEST, ROW, N_("the customer id is missing"), REPORT),
    CodeRow(41054, NEVER, CONFLICT, MEMBER, N_("the member has not activated WeCom"), N_("Ask the member to activate WeCom."), ErrorCondition.TAKER_UNFIT),
    CodeRow(41056, NEVER, REQUEST, ROW, N_("the customer id is of the wrong kind"), CUSTOMERS),
    CodeRow(41057, NEVER, ACCESS, EVERYTHING, N_("no WeChat developer account is bound"), N_("Bind a WeChat developer account in the WeCom console.")),
    CodeRow(43004, NEVER, CONFLICT, MEMBER, N_("the member has not bound WeChat"), N_("Ask the member to bind WeChat.")),
    CodeRow(84061, STATE, NOT_FOUND, ROW, N_("the customer is not, or no longer, a customer of this member"), CUSTOMERS, ErrorCondition.NO_RELATION),
    CodeRow(84074, NEVER, ACCESS, MEMBER, N_("the member may not use customer contact"), ENABLE_MEMBER, ErrorCondition.TAKER_UNFIT),
    CodeRow(84083, NEVER, ACCESS, MEMBER, N_("the member is not a service member"), ENABLE_MEMBER, ErrorCondition.TAKER_UNFIT),
    CodeRow(84084, NEVER, ACCESS, MEMBER, N_("the member does not follow customers or is out of scope"), ENABLE_MEMBER),
    CodeRow(610004, STATE, NOT_FOUND, ROW, N_("this is not a customer of the corp"), CUSTOMERS),
    CodeRow(610014, NEVER, REQUEST, ROW, N_("the unionid is not valid"), N_("Check the unionid.")),
    CodeRow(610015, NEVER, ACCESS, EVERYTHING, N_("the open-platform account is not verified"), ALERT),
    CodeRow(610016, NEVER, ACCESS, EVERYTHING, N_("the corp is not verified for this"), ALERT),
    CodeRow(610017, NEVER, ACCESS, EVERYTHING, N_("the open-platform account and the corp have different owners"), ALERT),
    CodeRow(610018, NEVER, REQUEST, ROW, N_("openid and unionid belong to different accounts"), N_("Take both from the same account.")),
    # -- contact ways, welcome words, messages to customers
    CodeRow(40201, NEVER, REQUEST, ROW, N_("the text is blocked as sensitive"), N_("Change the words and try again.")),
    CodeRow(41037, NEVER, REQUEST, ROW, N_("the contact way's type is missing"), BUG),
    CodeRow(41038, NEVER, REQUEST, ROW, N_("the contact way's scene is missing"), BUG),
    CodeRow(41039, NEVER, REQUEST, ROW, N_("the contact way's type is not valid"), BUG),
    CodeRow(41040, NEVER, REQUEST, ROW, N_("the contact way's scene is not valid"), BUG),
    CodeRow(41041, NEVER, REQUEST, ROW, N_("the contact way would reach more than 100 members"), N_("Name fewer members or smaller departments.")),
    CodeRow(41042, NEVER, REQUEST, ROW, N_("the contact way's style is not valid"), BUG),
    CodeRow(41043, NEVER, REQUEST, ROW, N_("the contact way's id is missing"), BUG),
    CodeRow(41044, NEVER, NOT_FOUND, ROW, N_("the contact way does not exist"), N_("Sync the contact ways and choose a present one."), ErrorCondition.WAY_GONE),
    CodeRow(41045, NEVER, LIMIT, ROW, N_("the corp cannot have more contact ways"), N_("Delete contact ways that nobody uses.")),
    CodeRow(41048, STATE, CONFLICT, ROW, N_("there is nobody to send to"), N_("Choose other customers.")),
    CodeRow(41049, NEVER, REQUEST, ROW, N_("the welcome code is missing"), BUG),
    CodeRow(41050, NEVER, CONFLICT, ROW, N_("the welcome code is used or too old"), N_("Welcome words must be sent within 20 seconds."), ErrorCondition.WELCOME_OVER),
    CodeRow(41051, STATE, CONFLICT, ROW, N_("the chat has begun, so no welcome words are sent"), N_("Nothing to do."), ErrorCondition.WELCOME_DONE),
    CodeRow(41052, NEVER, REQUEST, ROW, N_("the time of sending is not valid"), N_("Choose a time in the near future.")),
    CodeRow(41053, STATE, CONFLICT, ROW, N_("the customer did not agree to archiving"), N_("Nothing to do.")),
    CodeRow(41055, NEVER, LIMIT, ROW, N_("the corp cannot have more welcome templates"), N_("Delete templates that nobody uses.")),
    CodeRow(41058, NEVER, ACCESS, ROW, N_("the welcome template belongs to another app"), N_("Change it with the app that made it.")),
    CodeRow(41062, STATE, CONFLICT, ROW, N_("the member has not published the moment yet"), N_("Wait until the member has published it.")),
    CodeRow(41063, BACK_OFF, CONFLICT, ROW, N_("the group message is still being sent out"), N_("Try again in some minutes."), after_s=300.0),
    CodeRow(41096, STATE, CONFLICT, ROW, N_("welcome words are already being sent"), N_("Nothing to do."), ErrorCondition.WELCOME_RUNNING),
    # -- group chats
    CodeRow(49008, STATE, NOT_FOUND, ROW, N_("the group chat was dissolved"), GROUPS, ErrorCondition.CHAT_GONE),
    CodeRow(86001, NEVER, REQUEST, ROW, N_("the chat id is not valid"), GROUPS),
    CodeRow(86003, NEVER, NOT_FOUND, ROW, N_("the chat does not exist"), GROUPS),
    CodeRow(86005, NEVER, REQUEST, ROW, N_("the owner is none of the chat's members"), GROUPS),
    CodeRow(86006, NEVER, LIMIT, ROW, N_("a chat of an app has 2 to 2,000 members"), GROUPS),
    CodeRow(86008, NEVER, ACCESS, ROW, N_("the chat belongs to another app"), GROUPS),
    CodeRow(86215, NEVER, CONFLICT, ROW, N_("there is a chat of that id"), GROUPS),
    CodeRow(90500, NEVER, CONFLICT, ROW, N_("the group's owner has not left"), N_("Use the handover on the job for this group."), ErrorCondition.CHAT_LEAVER_MOVED),
    CodeRow(90501, NEVER, CONFLICT, ROW, N_("this is not a customer group"), GROUPS, ErrorCondition.CHAT_GONE),
    CodeRow(90502, NEVER, CONFLICT, ROW, N_("the group's owner has left"), N_("Use the handover after leaving for this group.")),
    CodeRow(90503, NEVER, CONFLICT, ROW, N_("the group is full and must be confirmed in the WeCom client"), N_("Ask the new owner to confirm it in the client."), ErrorCondition.CHAT_UNFIT),
    CodeRow(90504, STATE, CONFLICT, ROW, N_("the group has this owner already"), N_("Nothing to do."), ErrorCondition.CHAT_MOVED),
    CodeRow(90507, STATE, CONFLICT, ROW, N_("the group's handover is under way"), N_("Wait and look at the group again."), ErrorCondition.CHAT_LEAVER_MOVED),
    CodeRow(90508, STATE, CONFLICT, ROW, N_("the group is already handed over"), N_("Nothing to do."), ErrorCondition.CHAT_LEAVER_MOVED),
    CodeRow(90509, NEVER, CONFLICT, ROW, N_("this is no customer group that could be handed over"), GROUPS, ErrorCondition.CHAT_UNFIT),
    CodeRow(90510, NEVER, CONFLICT, MEMBER, N_("nobody in the group was active within a year"), N_("Nothing can be done for this group."), ErrorCondition.CHAT_OWNER_IDLE),
    CodeRow(90511, NEVER, NOT_FOUND, ROW, N_("the group's WeChat id is unknown or not valid"), N_("Check the id.")),
)
