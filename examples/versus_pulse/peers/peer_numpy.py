"""Plain numpy: all steps diagonalised at once, then a product of matrices and a vector a step."""

import numpy as np

from workload import Problem, Task, value_and_norm


class Peer:
    def state(self, w, option):
        p = Problem(w)

        def run():
            energies, vectors = np.linalg.eigh(p.hamiltonians())
            steps = (vectors * np.exp(-1j * p.dt * energies)[:, None, :]) @ vectors.conj().transpose(0, 2, 1)
            state = p.initial
            for step in steps:
                state = step @ state
            return state

        return Task(run, p.amplitudes, "batched eigh")

    def gradient(self, w, option):
        """The derivative of each exponential by divided differences of the eigenvalues."""
        p = Problem(w)
        target = np.zeros(p.dim, complex)
        target[1] = 1
        controls = np.array(p.controls)

        def run():
            energies, vectors = np.linalg.eigh(p.hamiltonians())
            adjoint = vectors.conj().transpose(0, 2, 1)
            phases = np.exp(-1j * p.dt * energies)
            steps = (vectors * phases[:, None, :]) @ adjoint
            states, duals = np.empty((p.steps + 1, p.dim), complex), np.empty((p.steps + 1, p.dim), complex)
            states[0] = p.initial
            for k, step in enumerate(steps):
                states[k + 1] = step @ states[k]
            overlap = target.conj() @ states[-1]
            duals[-1] = target * overlap
            back = steps.conj().transpose(0, 2, 1)
            for k in range(p.steps - 1, -1, -1):
                duals[k] = back[k] @ duals[k + 1]
            gaps = energies[:, :, None] - energies[:, None, :]
            near = np.abs(gaps) < 1e-9
            ratios = (phases[:, :, None] - phases[:, None, :]) / np.where(near, 1.0, gaps)
            ratios = np.where(near, -1j * p.dt * phases[:, :, None], ratios)
            left = np.einsum("kij,kj->ki", adjoint, duals[1:]).conj()
            right = np.einsum("kij,kj->ki", adjoint, states[:-1])
            weights = vectors.conj() @ (ratios * left[:, :, None] * right[:, None, :]) @ vectors.transpose(0, 2, 1)
            gradient = 2 * np.einsum("cij,kij->kc", controls, weights).real
            return abs(overlap) ** 2, [gradient]

        return Task(run, value_and_norm, "batched eigh")
