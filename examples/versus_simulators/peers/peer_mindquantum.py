"""MindQuantum's mqvector; it translates the circuit at each call."""

from workload import energy_and_gradient, ones_of_counts, p0, parameter_sets, pauli_error, relaxation, Task, THREADS


class Peer:
    def simulator(self, w, kind="mqvector"):
        import mindquantum
        from mindquantum.simulator import Simulator

        dtype = mindquantum.complex128 if w["precision"] == "f64" else mindquantum.complex64
        return Simulator(kind, w["width"], dtype=dtype)

    def circuit(self, w):
        from mindquantum.core import gates
        from mindquantum.core.circuit import Circuit

        circuit = Circuit()
        for name, q, a in w["gates"]:
            if name == "u3":
                circuit += gates.U3(*a).on(q[0])
            elif name == "cx":
                circuit += gates.X.on(q[1], q[0])
            elif name == "h":
                circuit += gates.H.on(q[0])
            elif name in ("rx", "ry", "rz"):
                angle = a[0] if isinstance(a, list) else f"p{a}"
                circuit += {"rx": gates.RX, "ry": gates.RY, "rz": gates.RZ}[name](angle).on(q[0])
            elif name == "rzz":
                circuit += gates.Rzz(a[0]).on(q)
            elif name == "swap":
                circuit += gates.SWAP.on(q)
            elif name == "cp":
                circuit += gates.PhaseShift(a[0]).on(q[1], q[0])
            for channel in self.noise(w, name, q):
                circuit += channel
        return circuit

    def noise(self, w, name, qubits):
        from mindquantum.core import gates

        if not w["noise"]:
            return
        p, seconds = w["noise"][name]
        yield gates.DepolarizingChannel(pauli_error(p, len(qubits)), len(qubits)).on(qubits)
        damping, flip = relaxation(w, seconds)
        for qubit in qubits:
            yield gates.AmplitudeDampingChannel(damping).on(qubit)
            yield gates.PhaseFlipChannel(flip).on(qubit)

    def observable(self, w):
        from mindquantum.core.operators import Hamiltonian, QubitOperator

        observable = QubitOperator()
        for coefficient, letters, q in w["terms"]:
            observable += QubitOperator(" ".join(f"{l}{k}" for l, k in zip(letters, q)), coefficient)
        return Hamiltonian(observable)

    def state(self, w, option):
        circuit, simulator = self.circuit(w), self.simulator(w)

        def run():
            simulator.reset()
            simulator.apply_circuit(circuit)

        return Task(run, lambda _: p0(simulator.get_qs()[0]), "translation included")

    def expectation(self, w, option):
        circuit, simulator, observable = self.circuit(w), self.simulator(w), self.observable(w)

        def run():
            simulator.reset()
            simulator.apply_circuit(circuit)
            return simulator.get_expectation(observable).real

        return Task(run, lambda value: {"energy": value}, "translation included")

    def gradients(self, w, option):
        import numpy as np

        circuit, simulator, sets = self.circuit(w), self.simulator(w), parameter_sets(w)
        batch = len(sets) > 1
        circuit = circuit.as_encoder() if batch else circuit
        ask = simulator.get_expectation_with_grad(self.observable(w), circuit, parallel_worker=THREADS)
        values = sets if batch else sets[0]

        def run():
            value, gradient = ask(values)[:2]
            return float(np.real(value).sum()), float(np.linalg.norm(np.real(gradient)))

        return Task(run, energy_and_gradient)

    def trajectories(self, w, option):
        from mindquantum.core import gates

        circuit, simulator = self.circuit(w), self.simulator(w)
        for qubit in range(w["width"]):
            circuit += gates.Measure(f"m{qubit}").on(qubit)

        def run():
            simulator.reset()
            return simulator.sampling(circuit, shots=w["shots"], seed=4)

        return Task(run, lambda result: {"ones": ones_of_counts(result.data)})
