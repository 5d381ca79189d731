"""The peers: each function opens a data set and returns a function that gives an epoch of batches as arrays of numpy."""

import glob
import os
import random

import numpy

from workload import BATCH

SEED = 7


def _plain(batch):
    return batch.numpy() if hasattr(batch, "numpy") else numpy.asarray(batch)


def _torch(dataset, workers, **options):
    import torch
    from torch.utils.data import DataLoader

    generator = torch.Generator()
    generator.manual_seed(SEED)
    options.setdefault("shuffle", True)
    loader = DataLoader(dataset, batch_size=BATCH, num_workers=workers, generator=generator, **options)
    return lambda: (_plain(batch) for batch in loader)


def _mapped(workload, folder):
    return numpy.memmap(workload.path(folder), dtype=workload.dtype, mode="r", shape=(workload.samples,) + workload.shape)


def torch_mmap(workload, workers, folder):
    """What most programs do: a memory map, one row an access."""
    import torch
    from torch.utils.data import Dataset

    class Rows(Dataset):
        rows = _mapped(workload, folder)

        def __len__(self):
            return workload.samples

        def __getitem__(self, number):
            return torch.from_numpy(numpy.array(self.rows[number]))

    return _torch(Rows(), workers)


def torch_pread(workload, workers, folder):
    """One read a sample, and no read-ahead."""
    import torch
    from torch.utils.data import Dataset

    kind = torch.float32 if workload.name == "a" else torch.uint8

    class Rows(Dataset):
        def __init__(self):
            self.file = os.open(workload.path(folder), os.O_RDONLY)
            os.posix_fadvise(self.file, 0, 0, os.POSIX_FADV_RANDOM)

        def __len__(self):
            return workload.samples

        def __getitem__(self, number):
            record = os.pread(self.file, workload.bytes_each, number * workload.bytes_each)
            return torch.frombuffer(bytearray(record), dtype=kind)

    return _torch(Rows(), workers)


def torch_getitems(workload, workers, folder):
    """A memory map, a whole batch by one index array: the strongest plain use."""
    import torch
    from torch.utils.data import Dataset

    class Rows(Dataset):
        rows = _mapped(workload, folder)

        def __len__(self):
            return workload.samples

        def __getitem__(self, number):
            return torch.from_numpy(numpy.array(self.rows[number]))

        def __getitems__(self, numbers):
            return torch.from_numpy(self.rows[numpy.asarray(numbers)])

    return _torch(Rows(), workers, collate_fn=lambda batch: batch)


def mds(workload, workers, folder):
    from streaming import StreamingDataset
    from streaming.base.util import clean_stale_shared_memory

    clean_stale_shared_memory()
    dataset = StreamingDataset(
        local=os.path.join(folder, "mds"),
        shuffle=True,
        shuffle_seed=SEED,
        batch_size=BATCH,
        shuffle_algo="py1e",
        num_canonical_nodes=1,
    )
    from torch.utils.data import DataLoader

    loader = DataLoader(dataset, batch_size=BATCH, num_workers=workers)
    return lambda: (_plain(batch["x"]) for batch in loader)


def wds(workload, workers, folder):
    import webdataset

    shards = sorted(glob.glob(os.path.join(folder, "wds", "*.tar")))
    random.seed(SEED)
    dataset = webdataset.WebDataset(
        shards,
        shardshuffle=len(shards),
        seed=SEED,
        nodesplitter=None,
        empty_check=False,
        workersplitter=webdataset.split_by_worker,
    )
    dataset = dataset.shuffle(1000, initial=1000, rng=random.Random(SEED))
    dataset = dataset.map(lambda sample: workload.array(sample["x.bin"]))
    dataset = dataset.batched(BATCH, collation_fn=numpy.stack, partial=True)
    loader = webdataset.WebLoader(dataset, batch_size=None, num_workers=workers)
    return lambda: (_plain(batch) for batch in loader)


def grain(workload, workers, folder):
    import grain.python as library

    try:
        from absl import flags

        flags.FLAGS(["versus_loaders"])
    except Exception:
        pass
    source = library.ArrayRecordDataSource(sorted(glob.glob(os.path.join(folder, "grain", "*.array_record"))))
    dataset = library.MapDataset.source(source).shuffle(seed=SEED).map(workload.array)
    dataset = dataset.batch(BATCH, drop_remainder=False)
    ahead = 8 if workload.name == "b" else 64
    batches = dataset.to_iter_dataset(library.ReadOptions(num_threads=16, prefetch_buffer_size=ahead))
    if workers:
        options = library.MultiprocessingOptions(num_workers=workers, per_worker_buffer_size=2)
        batches = batches.mp_prefetch(options)
    return lambda: (_plain(batch) for batch in batches)


def lance_take(workload, workers, folder):
    """Random rows, a batch a call."""
    import lance
    import pyarrow

    dataset = lance.dataset(os.path.join(folder, "lance", "d.lance"))

    def rows(column):
        if workload.name == "a":
            column = column.combine_chunks() if isinstance(column, pyarrow.ChunkedArray) else column
            return column.flatten().to_numpy(zero_copy_only=False).reshape(-1, workload.shape[0])
        return numpy.stack([numpy.frombuffer(value.as_buffer(), numpy.uint8) for value in column])

    order = numpy.random.default_rng(SEED).permutation(workload.samples)
    starts = range(0, workload.samples, BATCH)
    return lambda: (rows(dataset.take(order[at : at + BATCH].tolist()).column("x")) for at in starts)


def lit(workload, workers, folder):
    import litdata

    dataset = litdata.StreamingDataset(os.path.join(folder, "lit"), shuffle=True, seed=SEED, drop_last=False)

    def stack(records):
        return numpy.stack([workload.array(record) for record in records])

    loader = litdata.StreamingDataLoader(dataset, batch_size=BATCH, num_workers=workers, collate_fn=stack)
    return lambda: (_plain(batch) for batch in loader)


def squirrel(workload, workers, folder):
    from squirrel.driver import MessagepackDriver

    driver = MessagepackDriver(os.path.join(folder, "squirrel"))

    def batches():
        waiting = []
        for sample in driver.get_iter(shuffle_key_buffer=100, shuffle_item_buffer=1000, max_workers=2):
            waiting.append(workload.array(sample["x"]))
            if len(waiting) == BATCH:
                yield numpy.stack(waiting)
                waiting = []
        if waiting:
            yield numpy.stack(waiting)

    return batches
