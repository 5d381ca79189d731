"""Qiskit Dynamics with JAX, `Solver.solve` jitted; the option is its method."""

import numpy as np

from workload import Problem, Task, value_and_norm


class Peer:
    def __init__(self):
        import jax

        jax.config.update("jax_enable_x64", True)

    def solver(self, p, option):
        import jax.numpy as jnp
        from qiskit_dynamics import DiscreteSignal, Solver

        arguments = dict(static_hamiltonian=p.drift, hamiltonian_operators=p.controls, array_library="jax")
        initial = p.initial
        if p.collapse:
            arguments |= dict(static_dissipators=p.collapse, vectorized=True)
            initial = p.rho().flatten(order="F")
        solver, initial = Solver(**arguments), jnp.asarray(initial)

        def solve(samples):
            signals = [DiscreteSignal(dt=p.dt, samples=values) for values in samples]
            found = solver.solve(
                t_span=[0.0, p.time], y0=initial, signals=signals, method=option, max_dt=p.dt, magnus_order=1
            )
            end = found.y[-1]
            return jnp.asarray(end.data if hasattr(end, "data") else end)

        return solve, [jnp.asarray(samples) for samples in p.samples.T]

    def state(self, w, option):
        import jax

        p = Problem(w)
        solve, samples = self.solver(p, option)
        solved = jax.jit(solve)
        return p.fastest(lambda _: lambda: solved(samples).block_until_ready(), [option], p.amplitudes)

    def density(self, w, option):
        import jax

        p = Problem(w)
        solve, samples = self.solver(p, option)
        solved = jax.jit(solve)

        def make(_):
            return lambda: np.asarray(solved(samples)).reshape(p.dim, p.dim, order="F")

        return p.fastest(make, [option], p.populations)

    def gradient(self, w, option):
        import jax
        import jax.numpy as jnp

        p = Problem(w)
        solve, samples = self.solver(p, option)
        both = jax.jit(jax.value_and_grad(lambda samples: jnp.abs(solve(samples)[1]) ** 2))

        def run():
            value, gradients = both(samples)
            return value, jax.block_until_ready(gradients)

        return Task(run, value_and_norm, "jit")
