"""WebDataset over tar shards, with a buffer of 1,000 samples; the option is the number of worker processes."""

import glob
import os
import random

import numpy

from workload import BATCH, SEED, Workload


class Peer:
    def write(self, w, option):
        import webdataset

        w = Workload(w)

        def write():
            os.makedirs(w.path("wds"))
            pattern = w.path("wds/s-%05d.tar")
            with webdataset.ShardWriter(pattern, maxcount=10**9, maxsize=64e6, verbose=0) as writer:
                for number, row in enumerate(w.rows()):
                    writer.write({"__key__": f"{number:07d}", "x.bin": row.tobytes()})

        return w.written(write)

    def epoch(self, w, option):
        import webdataset

        w = Workload(w)
        shards = sorted(glob.glob(w.path("wds/*.tar")))
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
        dataset = dataset.map(lambda sample: w.array(sample["x.bin"]))
        dataset = dataset.batched(BATCH, collation_fn=numpy.stack, partial=True)
        loader = webdataset.WebLoader(dataset, batch_size=None, num_workers=int(option))
        return w.epoch(lambda: iter(loader))
