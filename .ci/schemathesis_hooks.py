"""Keeps generated requests harmless and sensible.

Whatever is registered runs `sleep`, which ends by itself only after long, and is asked nothing beyond this machine. What is
wrong stays wrong: a text is replaced by a text, a list by a list, and what is neither is left alone.
"""

import schemathesis

NOWHERE = {"url": "http://127.0.0.1:9/", "statusUrl": "http://127.0.0.1:9/", "tcp": "127.0.0.1:9"}


def pin_program(program):
    if isinstance(program.get("command"), str) and program["command"].strip("\0 \t\r\n"):
        program["command"] = "sleep"
    if isinstance(program.get("args"), list) and all(isinstance(word, str) for word in program["args"]):
        program["args"] = ["1000"]


def pin_check(check):
    for field, harmless in NOWHERE.items():
        if isinstance(check.get(field), str):
            check[field] = harmless
    if isinstance(check.get("exec"), dict):
        pin_program(check["exec"])
    # Rules between fields, which a schema cannot tell: one target, one way to be ready, a pattern with a grammar.
    targets = [field for field in ("url", "tcp", "exec") if check.get(field) is not None]
    for field in targets[1:]:
        del check[field]
    startup = check.get("startupCheck")
    if isinstance(startup, dict) and isinstance(startup.get("logPattern"), str):
        startup["logPattern"] = "ready"
        startup.pop("notify", None)


def whole(value):
    """JSON Schema calls 1.0 an integer; the monitor wants it written as one."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [whole(element) for element in value]
    if isinstance(value, dict):
        return {key: whole(element) for key, element in value.items()}
    return value


# Settings that keep the monitor here, reachable and alone. Lists of patterns have grammars of their own.
KEPT = {
    "startRemoteAccess": False,
    "startPartnerIfMissing": False,
    "standaloneMode": True,
    "enabled": True,
    "discoveryOnStartup": False,
    "trustedHosts": ["localhost", "127.0.0.1", "::1"],
    "trustedProxies": [],
    "allowedHosts": [],
    "corsOrigins": [],
    "executableWhitelist": [],
    "executableBlacklist": [],
    "patterns": ["/usr/bin/*"],
    "maxBodyBytes": 1 << 20,
    "bindAddress": "127.0.0.1",
    "partnerStatusUrl": "http://127.0.0.1:9/status",
}
# What has no harmless value is left out.
LEFT_OUT = {"rateLimit", "remotePort", "alivenessServer", "tls", "partnerAlivenessPort", "partnerInstanceId"}


def pin_settings(settings):
    for field, kept in KEPT.items():
        # A number may be written either way.
        if type(settings.get(field)) is type(kept) or is_number(settings.get(field)) and is_number(kept):
            settings[field] = kept
    for field in LEFT_OUT & settings.keys():
        del settings[field]
    # As a whole it would take its default, and with that the usual limit of questions.
    if settings.get("remoteAccess", "absent") is None:
        del settings["remoteAccess"]
    for inner in settings.values():
        if isinstance(inner, dict):
            pin_settings(inner)


# What means that output is followed, and the answer has no end.
FOLLOWS = {"true", "1", ""}


def pin_reading(query):
    """Output that is yet to come does not come; times and places in a stream have grammars of their own."""
    follow = query.get("follow", "false")
    # One value in a list is sent as that value.
    while isinstance(follow, list) and len(follow) == 1:
        follow = follow[0]
    if str(follow).lower() in FOLLOWS:
        query["follow"] = "false"
    if isinstance(query.get("since"), str):
        query["since"] = "5m"
    query.pop("lastEventId", None)


def pin_waiting(path, query):
    """`sleep` does not end while anybody has the patience to wait, and who does not wait needs no patience."""
    patience = query.get("timeoutMs")
    if patience is not None and not path.endswith("/stop") and query.get("wait") in (None, "accepted"):
        query["wait"] = "ready"
    if query.get("wait") in ("ready", "exit") and (patience is None or is_number(patience) and float(patience) > 50):
        query["timeoutMs"] = 50


def is_number(text):
    try:
        return not isinstance(text, bool) and float(text) == float(text)
    except (TypeError, ValueError, OverflowError):
        return False


@schemathesis.hook
def before_call(context, case, kwargs):
    if isinstance(case.query, dict):
        pin_waiting(case.operation.path, case.query)
        pin_reading(case.query)
    if case.headers is not None:
        case.headers.pop("Last-Event-ID", None)
    if not isinstance(case.body, dict):
        return
    case.body = whole(case.body)
    if case.operation.path.startswith("/config"):
        return pin_settings(case.body)
    pin_program(case.body)
    check = case.body.get("alivenessCheck")
    if isinstance(check, dict):
        if case.method == "PATCH" and isinstance(check.get("exec"), dict):
            # Whether the program may be left out depends on whether there is one already.
            check["exec"].setdefault("command", "sleep")
        pin_check(check)
