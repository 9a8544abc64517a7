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


def pin_waiting(path, query):
    """`sleep` does not end while anybody has the patience to wait, and who does not wait needs no patience."""
    patience = query.get("timeoutMs")
    if patience is not None and not path.endswith("/stop") and query.get("wait") in (None, "accepted"):
        query["wait"] = "ready"
    if query.get("wait") in ("ready", "exit") and (patience is None or is_number(patience) and float(patience) > 50):
        query["timeoutMs"] = 50


def is_number(text):
    try:
        return float(text) == int(float(text))
    except (TypeError, ValueError, OverflowError):
        return False


@schemathesis.hook
def before_call(context, case, kwargs):
    if isinstance(case.query, dict):
        pin_waiting(case.operation.path, case.query)
    if not isinstance(case.body, dict):
        return
    case.body = whole(case.body)
    pin_program(case.body)
    check = case.body.get("alivenessCheck")
    if isinstance(check, dict):
        if case.method == "PATCH" and isinstance(check.get("exec"), dict):
            # Whether the program may be left out depends on whether there is one already.
            check["exec"].setdefault("command", "sleep")
        pin_check(check)
