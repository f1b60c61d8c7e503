"""Answers for Python's re: one JSON question a line on stdin, one JSON answer a line on stdout. See oracle_test.go."""

import json
import re
import signal
import sys
import warnings

warnings.simplefilter("ignore")


def give_up(signum, frame):
    raise TimeoutError


signal.signal(signal.SIGALRM, give_up)


def answer(question):
    pattern, text, template = question["pattern"], question["text"], question.get("template")
    try:
        compiled = re.compile(pattern)
    except (re.error, OverflowError, RecursionError, ValueError) as ex:
        return {"error": str(ex)}
    out = {}
    offsets = [0]
    for char in text:
        offsets.append(offsets[-1] + len(char.encode("utf-8", "surrogatepass")))
    match = compiled.search(text)
    if match:
        out["groups"] = [offsets[i] if i >= 0 else -1 for span in match.regs for i in span]
        out["names"] = [""] + ["" for _ in range(compiled.groups)]
        for name, index in compiled.groupindex.items():
            out["names"][index] = name
    if template is not None:
        try:
            out["replaced"] = compiled.sub(template, text)
        except (re.error, IndexError) as ex:
            out["template_error"] = str(ex)
    return out


def answer_in_time(question):
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        return answer(question)
    except TimeoutError:
        return {"timeout": True}
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


for line in sys.stdin:
    print(json.dumps(answer_in_time(json.loads(line))), flush=True)
