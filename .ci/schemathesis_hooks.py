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


@schemathesis.hook
def before_call(context, case, kwargs):
    if not isinstance(case.body, dict):
        return
    case.body = whole(case.body)
    pin_program(case.body)
    if isinstance(case.body.get("alivenessCheck"), dict):
        pin_check(case.body["alivenessCheck"])
