"""The two workloads: their samples lie one after the other in `x.bin`, and carry their own numbers."""

import os

import numpy

BATCH = 256


class Workload:
    def __init__(self, name, bytes_each, dtype):
        self.name = name
        self.bytes_each = bytes_each
        self.dtype = dtype
        self.shape = (bytes_each // numpy.dtype(dtype).itemsize,)
        self.samples = int(os.environ["SAMPLES"])

    @staticmethod
    def named(name):
        if name == "a":
            return Workload("a", 3136, numpy.float32)
        return Workload("b", 110_000, numpy.uint8)

    def path(self, folder):
        return os.path.join(folder, "x.bin")

    def array(self, record):
        return numpy.frombuffer(record, dtype=self.dtype)

    def numbers(self, batch):
        """The numbers that the samples of a batch carry."""
        if self.name == "a":
            return numpy.rint(batch[:, 0]).astype(numpy.int64)
        return numpy.ascontiguousarray(batch[:, :4]).view("<u4").reshape(-1).astype(numpy.int64)

    def blocks(self, folder):
        """All samples in order, some megabytes at a time."""
        step = max(1, (16 << 20) // self.bytes_each)
        with open(self.path(folder), "rb") as file:
            for first in range(0, self.samples, step):
                count = min(step, self.samples - first)
                yield numpy.frombuffer(file.read(count * self.bytes_each), self.dtype).reshape(count, -1)
