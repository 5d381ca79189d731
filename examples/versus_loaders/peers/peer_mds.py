"""MosaicML's StreamingDataset over local MDS shards; the option is the number of worker processes."""

from workload import BATCH, SEED, Workload


class Peer:
    def write(self, w, option):
        from streaming import MDSWriter

        w = Workload(w)
        columns = {"x": f"ndarray:{w.dtype.name}:{w.shape[0]}"}

        def write():
            with MDSWriter(out=w.path("mds"), columns=columns, size_limit="64mb") as writer:
                for row in w.rows():
                    writer.write({"x": row})

        return w.written(write)

    def epoch(self, w, option):
        from streaming import StreamingDataset
        from streaming.base.util import clean_stale_shared_memory
        from torch.utils.data import DataLoader

        w = Workload(w)
        clean_stale_shared_memory()
        dataset = StreamingDataset(
            local=w.path("mds"),
            shuffle=True,
            shuffle_seed=SEED,
            batch_size=BATCH,
            shuffle_algo="py1e",
            num_canonical_nodes=1,
        )
        loader = DataLoader(dataset, batch_size=BATCH, num_workers=int(option))
        return w.epoch(lambda: (batch["x"] for batch in loader))
