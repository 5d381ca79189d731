"""PyTorch's DataLoader over the flat file; the option is how a sample is read, and the number of worker processes."""

import os

import numpy
import torch
from torch.utils.data import DataLoader, Dataset

from workload import BATCH, SEED, Workload


class Mapped(Dataset):
    """What most programs do: a memory map, one row an access."""

    def __init__(self, w):
        self.rows = numpy.memmap(w.path(), dtype=w.dtype, mode="r", shape=(w.samples,) + w.shape)

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, number):
        return torch.from_numpy(numpy.array(self.rows[number]))


class Indexed(Mapped):
    """A memory map, a whole batch by one index array: the strongest plain use."""

    def __getitems__(self, numbers):
        return torch.from_numpy(self.rows[numpy.asarray(numbers)])


class Single(Dataset):
    """One read a sample, and no read-ahead."""

    def __init__(self, w):
        self.samples, self.bytes_each = w.samples, w.bytes_each
        self.kind = torch.float32 if w.name == "a" else torch.uint8
        self.file = os.open(w.path(), os.O_RDONLY)
        os.posix_fadvise(self.file, 0, 0, os.POSIX_FADV_RANDOM)

    def __len__(self):
        return self.samples

    def __getitem__(self, number):
        record = os.pread(self.file, self.bytes_each, number * self.bytes_each)
        return torch.frombuffer(bytearray(record), dtype=self.kind)


WAYS = {"mmap": Mapped, "getitems": Indexed, "pread": Single}


class Peer:
    def epoch(self, w, option):
        w, (way, workers) = Workload(w), option.split("/")
        generator = torch.Generator()
        generator.manual_seed(SEED)
        collate = {"collate_fn": lambda batch: batch} if way == "getitems" else {}
        loader = DataLoader(
            WAYS[way](w), batch_size=BATCH, shuffle=True, num_workers=int(workers), generator=generator, **collate
        )
        return w.epoch(lambda: iter(loader))
