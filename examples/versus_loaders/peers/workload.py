"""What all peers share: a workload, whose samples lie one after the other in `x.bin` and carry their own numbers, and an epoch
of it that is timed."""

import os
import time

import numpy

BATCH = 256
SEED = 7


class Task:
    """What is timed, and what is checked afterwards; `clock` says what a run took where it is not all of it."""

    note = ""

    def __init__(self, run, check, clock=None):
        self.run, self.check, self.clock = run, check, clock


class Workload:
    """The read-only folder of a workload, in which each format has a folder of its own."""

    def __init__(self, w):
        self.name, self.samples, self.bytes_each = w["name"], w["samples"], w["bytes"]
        self.folder, self.limit = w["folder"], w["limit"]
        self.dtype = numpy.dtype(numpy.float32 if self.name == "a" else numpy.uint8)
        self.shape = (self.bytes_each // self.dtype.itemsize,)

    def path(self, name="x.bin"):
        return os.path.join(self.folder, name)

    def array(self, record):
        return numpy.frombuffer(record, dtype=self.dtype)

    def numbers(self, batch):
        """The numbers that the samples of a batch carry."""
        if self.name == "a":
            return numpy.rint(batch[:, 0]).astype(numpy.int64)
        return numpy.ascontiguousarray(batch[:, :4]).view("<u4").reshape(-1).astype(numpy.int64)

    def blocks(self):
        """All samples in order, some megabytes at a time."""
        step = max(1, (16 << 20) // self.bytes_each)
        with open(self.path(), "rb") as file:
            for first in range(0, self.samples, step):
                count = min(step, self.samples - first)
                yield numpy.frombuffer(file.read(count * self.bytes_each), self.dtype).reshape(count, -1)

    def rows(self):
        for block in self.blocks():
            yield from block

    def epoch(self, batches):
        """A shuffled epoch in batches of one contiguous array each, left after `limit` seconds. Numbers are read back, so that
        samples which are lost or come twice are found out."""

        def run():
            numbers, start = [], time.perf_counter()
            for batch in batches():
                batch = batch.numpy() if hasattr(batch, "numpy") else numpy.asarray(batch)
                numbers.append(self.numbers(batch))
                # what worker processes take to end is not counted
                seconds = time.perf_counter() - start
                if seconds > self.limit:
                    break
            return numbers, seconds

        def check(result):
            numbers, _ = result
            full = [own for own in numbers if len(own) == BATCH] or numbers
            every = numpy.concatenate(numbers)
            return {
                "samples": len(every),
                "distinct": len(numpy.unique(every)),
                "bins": numpy.mean([len(numpy.unique(own * 256 // self.samples)) for own in full]),
            }

        return Task(run, check, clock=lambda result: result[1])

    def written(self, write):
        return Task(write, lambda _: {"samples": self.samples})
