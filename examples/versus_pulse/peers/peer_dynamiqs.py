"""dynamiqs (JAX), jitted; the option is its method."""

import numpy as np

from workload import Problem, Task, value_and_norm


class Peer:
    def __init__(self):
        import dynamiqs as dq

        dq.set_precision("double")

    def solver(self, p, option):
        import dynamiqs as dq
        import jax.numpy as jnp

        methods = {
            "expm": lambda t: dq.method.Expm(),
            "tsit5": lambda t: dq.method.Tsit5(rtol=t, atol=t, max_steps=10**6),
            "dopri8": lambda t: dq.method.Dopri8(rtol=t, atol=t, max_steps=10**6),
        }
        drift = dq.asqarray(p.drift)
        controls = [dq.asqarray(c) for c in p.controls]
        collapse = [dq.asqarray(c) for c in p.collapse]
        initial, times = dq.asqarray(p.initial.reshape(-1, 1)), jnp.array([0.0, p.time])

        def solve(samples, tolerance):
            h = dq.constant(drift)
            for values, control in zip(samples, controls):
                h = h + dq.pwc(p.edges, values, control)
            options = dict(method=methods[option](tolerance), progress_meter=False)
            if collapse:
                return dq.mesolve(h, collapse, initial, times, **options).states[-1].to_jax()
            return dq.sesolve(h, initial, times, **options).states[-1].to_jax()

        return solve, [jnp.asarray(samples) for samples in p.samples.T]

    def solved(self, w, option, check):
        import jax

        p = Problem(w)
        solve, samples = self.solver(p, option)

        def make(tolerance):
            solved = jax.jit(lambda samples: solve(samples, tolerance))
            return lambda: solved(samples).block_until_ready()

        tolerances = [1e-9] if option == "expm" else [p.tolerance * 10.0**-k for k in (0, 1, 2, 3)]
        return p.fastest(make, tolerances, getattr(p, check))

    def state(self, w, option):
        return self.solved(w, option, "amplitudes")

    def density(self, w, option):
        return self.solved(w, option, "populations")

    def gradient(self, w, option):
        import jax
        import jax.numpy as jnp

        p = Problem(w)
        solve, samples = self.solver(p, option)
        both = jax.jit(jax.value_and_grad(lambda samples: jnp.abs(solve(samples, 1e-9)[1, 0]) ** 2))

        def run():
            value, gradients = both(samples)
            return value, jax.block_until_ready(gradients)

        return Task(run, value_and_norm, "jit")
