"""Runs one other package in a contest, such as a simulator for the example `versus_simulators`.

Started as `python main.py PEER`, it answers each line of JSON on standard input with one on standard output:

    {"ask": "load", "workload": {..}, "option": ".."}  ->  {"note": ".."}
    {"ask": "run", "times": 3}                         ->  {"seconds": 0.21}    the mean of as many runs in a row
    {"ask": "check"}                                   ->  {"values": {"p0": 0.013}}
    {"ask": "forget"}                                  ->  {}

or `{"error": ".."}`. A workload is what `definition.rs` writes: a portable list of gates `[name, qubits, angles]`, where
`angles` is a list of numbers or the number of a parameter. What a peer offers for excluding construction is used:
circuits, observables and parameter lists are made when a workload is loaded, and loading runs nothing else than what
compiles. Thread counts come by environment variables.
"""

import json
import os
import sys
import time
from importlib import import_module


def repeated(task, times):
    """The mean time of so many runs in a row, and the last result."""
    if task.clock:
        total = 0.0
        for _ in range(times):
            result = task.run()
            total += task.clock(result)
        return total / times, result
    start = time.perf_counter()
    for _ in range(times):
        result = task.run()
    return (time.perf_counter() - start) / times, result


def main():
    # whatever a peer prints goes to standard error: standard output carries the answers
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    peer, task, result = import_module("peer_" + sys.argv[1]).Peer(), None, None
    for line in sys.stdin:
        question = json.loads(line)
        try:
            if question["ask"] == "load":
                task = result = None  # before the next is made: both may not fit
                workload = question["workload"]
                task = getattr(peer, workload["kind"])(workload, question["option"])
                answer = {"note": task.note}
            elif question["ask"] == "run":
                seconds, result = repeated(task, question["times"])
                answer = {"seconds": seconds}
            elif question["ask"] == "forget":
                task = result = None
                answer = {}
            else:
                values = task.check(result)
                answer = {"values": {name: float(value) for name, value in values.items()}}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
