"""Lance: random rows, a batch a call."""

import numpy

from workload import BATCH, SEED, Workload


class Peer:
    def write(self, w, option):
        import lance
        import pyarrow

        w = Workload(w)
        fixed = w.name == "a"
        kind = pyarrow.list_(pyarrow.float32(), w.shape[0]) if fixed else pyarrow.binary()
        schema = pyarrow.schema([("x", kind)])

        def batches():
            for block in w.blocks():
                if fixed:
                    column = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(block.reshape(-1)), w.shape[0])
                else:
                    column = pyarrow.array([row.tobytes() for row in block], pyarrow.binary())
                yield pyarrow.record_batch([column], schema=schema)

        rows = max(1, w.samples // 20)
        return w.written(
            lambda: lance.write_dataset(batches(), w.path("lance/d.lance"), schema=schema, max_rows_per_file=rows)
        )

    def epoch(self, w, option):
        import lance
        import pyarrow

        w = Workload(w)
        dataset = lance.dataset(w.path("lance/d.lance"))

        def rows(column):
            if w.name == "a":
                column = column.combine_chunks() if isinstance(column, pyarrow.ChunkedArray) else column
                return column.flatten().to_numpy(zero_copy_only=False).reshape(-1, w.shape[0])
            return numpy.stack([numpy.frombuffer(value.as_buffer(), numpy.uint8) for value in column])

        order = numpy.random.default_rng(SEED).permutation(w.samples)
        starts = range(0, w.samples, BATCH)
        return w.epoch(lambda: (rows(dataset.take(order[at : at + BATCH].tolist()).column("x")) for at in starts))
