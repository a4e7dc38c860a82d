"""What the peers in Python have in common: requests on standard input, answers on standard output, one JSON object a line.

    {"do": "describe"}                                                                     -> {"version"}
    {"do": "prepare", "model", "numData", "chains", "stepsPerScan",
     "batches", "start", "algorithm"}                                                      -> {"ways"}
    {"do": "advance", "way", "start", "algorithm", "steps"}                                -> {"params", "companions"}
    {"do": "time", "way", "calls"}                                                         -> {"ms"}

Arrays come as {"shape", "values", "dtype"} and go as lists of numbers. `ways` are those in which the peer runs the workload, none where it
is not written for it; one that loops by itself takes `stepsPerScan` steps in a call, unless that is 0. What goes wrong is answered as {"error"}.
"""

import json
import sys
import traceback


def serve(version, prepare):
    """Answers requests. `prepare(request)` makes an object with `ways` and the methods `advance` and `time`, or None."""
    answers, sys.stdout = sys.stdout, sys.stderr
    workload = None
    for line in sys.stdin:
        request = json.loads(line)
        action = request.pop("do")
        try:
            if action == "describe":
                answer = {"version": version}
            elif action == "prepare":
                workload = prepare(request)
                answer = {"ways": workload.ways if workload else []}
            else:
                answer = getattr(workload, action)(**request)
        except Exception:
            answer = {"error": traceback.format_exc()}
        print(json.dumps(answer), file=answers, flush=True)
