"""Runs one other data loader for the example `versus_loaders`.

    python main.py write FORMAT WORKLOAD FOLDER          writes a workload in a peer's own format
    python main.py read PEER WORKLOAD WORKERS FOLDER     reads one shuffled epoch in batches of 256

Reading imports and opens, prints `ready`, waits for a line on standard input (meanwhile the runner drops caches and limits this
process), reads for at most LIMIT seconds, and prints one JSON object. Every batch is one contiguous array, whose samples'
numbers are read back, so that samples which are lost or come twice are found out.
"""

import json
import os
import sys
import time

import numpy

import formats
import loaders
from workload import BATCH, Workload


def read(peer, workload, workers, folder):
    batches = getattr(loaders, peer)(workload, workers, folder)
    print("ready", flush=True)
    sys.stdin.readline()
    limit = float(os.environ.get("LIMIT", "60"))
    numbers, partial, first = [], False, None
    start = time.perf_counter()
    for batch in batches():
        if first is None:
            first = time.perf_counter() - start
        numbers.append(workload.numbers(batch))
        if time.perf_counter() - start > limit:
            partial = True
            break
    seconds = time.perf_counter() - start
    full = [own for own in numbers if len(own) == BATCH] or numbers
    bins = numpy.mean([len(numpy.unique(own * 256 // workload.samples)) for own in full])
    every = numpy.concatenate(numbers)
    answer = {
        "seconds": seconds,
        "first": first,
        "samples": len(every),
        "distinct": len(numpy.unique(every)),
        "partial": partial,
        "bins": float(bins),
    }
    print(json.dumps(answer), flush=True)
    # worker processes of some peers take seconds to end
    os._exit(0)


def main():
    what, name, workload, *rest = sys.argv[1:]
    if what == "write":
        getattr(formats, name)(Workload.named(workload), rest[0])
    else:
        read(name, Workload.named(workload), int(rest[0]), rest[1])


if __name__ == "__main__":
    main()
