"""QuTiP: the ODE solvers that were the fastest among its own, with tolerances that meet the bound."""

import numpy as np

from workload import Problem


class Peer:
    def hamiltonian(self, p, qt):
        terms = [qt.Qobj(p.drift)]
        for k, control in enumerate(p.controls):
            samples = np.append(p.samples[:, k], p.samples[-1, k]).astype(complex)
            terms.append([qt.Qobj(control), qt.coefficient(samples, tlist=p.edges, order=0)])
        return qt.QobjEvo(terms)

    def options(self, p, setting):
        method, tolerance = setting
        options = dict(method=method, atol=tolerance, rtol=tolerance, nsteps=1000000)
        options |= dict(progress_bar="", store_states=False, store_final_state=True)
        if method == "adams":
            options["max_step"] = p.dt
        return options

    def state(self, w, option):
        import qutip as qt

        p = Problem(w)
        hamiltonian, initial = self.hamiltonian(p, qt), qt.Qobj(p.initial.reshape(-1, 1))

        def make(setting):
            solver = qt.SESolver(hamiltonian, options=self.options(p, setting))
            return lambda: solver.run(initial, [0, p.time]).final_state.full()

        tolerances = [p.tolerance * 10.0**-k for k in (0, 1, 2, 3)]
        settings = [(method, t) for method in ("vern7", "vern9", "adams") for t in tolerances]
        return p.fastest(make, settings, p.amplitudes)

    def density(self, w, option):
        import qutip as qt

        p = Problem(w)
        hamiltonian, initial = self.hamiltonian(p, qt), qt.Qobj(p.rho())
        collapse = [qt.Qobj(c) for c in p.collapse]

        def make(setting):
            solver = qt.MESolver(hamiltonian, collapse, options=self.options(p, setting))
            return lambda: solver.run(initial, [0, p.time]).final_state.full()

        settings = [(method, p.tolerance * 10.0**-k) for method in ("vern7", "adams") for k in (2, 3, 4)]
        return p.fastest(make, settings, p.populations)
