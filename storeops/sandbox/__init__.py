"""A WeCom that runs on your desk.

Written from the API contract alone: nothing here imports the client, the mirror or any other
room of storeops, so that one misunderstanding cannot make both sides agree.
"""
