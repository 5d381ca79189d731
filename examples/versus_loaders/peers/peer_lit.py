"""LitData over chunks of 64 MB; the option is the number of worker processes."""

import numpy

from workload import BATCH, SEED, Workload


class Blocks:
    """A picklable function from the number of a block's first sample to its records."""

    def __init__(self, w, step):
        self.w, self.step = w, step

    def __call__(self, first):
        w = self.w
        count = min(self.step, w.samples - first)
        with open(w.path(), "rb") as file:
            file.seek(first * w.bytes_each)
            for _ in range(count):
                yield file.read(w.bytes_each)


class Peer:
    def write(self, w, option):
        import litdata

        w = Workload(w)
        step = max(1, (16 << 20) // w.bytes_each)
        return w.written(
            lambda: litdata.optimize(
                fn=Blocks(w, step),
                inputs=list(range(0, w.samples, step)),
                output_dir=w.path("lit"),
                chunk_bytes="64MB",
                num_workers=1,
                mode="overwrite",
            )
        )

    def epoch(self, w, option):
        import litdata

        w = Workload(w)
        dataset = litdata.StreamingDataset(w.path("lit"), shuffle=True, seed=SEED, drop_last=False)

        def stack(records):
            return numpy.stack([w.array(record) for record in records])

        loader = litdata.StreamingDataLoader(dataset, batch_size=BATCH, num_workers=int(option), collate_fn=stack)
        return w.epoch(lambda: iter(loader))
