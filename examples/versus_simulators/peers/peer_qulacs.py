"""qulacs. Option: block size of its circuit optimiser."""

from workload import energy, energy_and_gradient, ones, p0, parameter_sets, pauli_error, relaxation, summed, Task


class Peer:
    def circuit(self, w):
        import qulacs
        from qulacs import gate

        circuit = qulacs.QuantumCircuit(w["width"])
        for name, q, a in w["gates"]:
            if name == "u3":
                circuit.add_U3_gate(q[0], *a)
            elif name == "cx":
                circuit.add_CNOT_gate(*q)
            elif name == "h":
                circuit.add_H_gate(q[0])
            elif name == "rx":
                circuit.add_RX_gate(q[0], -a[0])
            elif name == "ry":
                circuit.add_RY_gate(q[0], -a[0])
            elif name == "rzz":
                circuit.add_multi_Pauli_rotation_gate(q, [3, 3], -a[0])
            elif name == "swap":
                circuit.add_SWAP_gate(*q)
            elif name == "cp":
                phase = gate.to_matrix_gate(gate.U1(q[1], a[0]))
                phase.add_control_qubit(q[0], 1)
                circuit.add_gate(phase)
            self.noise(w, circuit, name, q)
        return circuit

    def noise(self, w, circuit, name, qubits):
        from qulacs import gate

        if not w["noise"]:
            return
        p, seconds = w["noise"][name]
        if len(qubits) == 1:
            circuit.add_gate(gate.DepolarizingNoise(*qubits, pauli_error(p, 1)))
        else:
            circuit.add_gate(gate.TwoQubitDepolarizingNoise(*qubits, pauli_error(p, 2)))
        damping, flip = relaxation(w, seconds)
        for qubit in qubits:
            circuit.add_gate(gate.AmplitudeDampingNoise(qubit, damping))
            circuit.add_gate(gate.DephasingNoise(qubit, flip))

    def observable(self, w):
        import qulacs

        observable = qulacs.Observable(w["width"])
        for coefficient, letters, q in w["terms"]:
            observable.add_operator(coefficient, " ".join(f"{l} {k}" for l, k in zip(letters, q)))
        return observable

    def optimised(self, w, option):
        circuit = self.circuit(w)
        if option:
            from qulacs.circuit import QuantumCircuitOptimizer

            QuantumCircuitOptimizer().optimize(circuit, int(option))
        return circuit

    def state(self, w, option):
        import qulacs

        circuit, state = self.optimised(w, option), qulacs.QuantumState(w["width"])

        def run():
            state.set_zero_state()
            circuit.update_quantum_state(state)

        return Task(run, lambda _: p0(state.get_amplitude(0)))

    def expectation(self, w, option):
        import qulacs

        circuit, state, observable = self.optimised(w, option), qulacs.QuantumState(w["width"]), self.observable(w)

        def run():
            state.set_zero_state()
            circuit.update_quantum_state(state)
            return observable.get_expectation_value(state)

        return Task(run, lambda value: {"energy": value})

    def values(self, w, option):
        return self.parametric(w, False)

    def gradients(self, w, option):
        return self.parametric(w, True)

    def parametric(self, w, gradients):
        import qulacs

        circuit = qulacs.ParametricQuantumCircuit(w["width"])
        for name, q, parameter in w["gates"]:
            if name == "ry":
                circuit.add_parametric_RY_gate(q[0], 0.0)
            elif name == "rz":
                circuit.add_parametric_RZ_gate(q[0], 0.0)
            else:
                circuit.add_CNOT_gate(*q)
        observable, state = self.observable(w), qulacs.QuantumState(w["width"])

        def one(values):
            for k, value in enumerate(values):
                circuit.set_parameter(k, -value)
            gradient = circuit.backprop(observable) if gradients else None
            state.set_zero_state()
            circuit.update_quantum_state(state)
            return observable.get_expectation_value(state), gradient

        check = energy_and_gradient if gradients else energy
        return Task(summed(one, parameter_sets(w)), check, "parameters set one by one")

    def density(self, w, option):
        import qulacs

        circuit, state = self.circuit(w), qulacs.DensityMatrix(w["width"])

        def run():
            state.set_zero_state()
            circuit.update_quantum_state(state)

        return Task(run, lambda _: {"p0": state.get_matrix()[0, 0].real})

    def samples(self, w, option):
        import qulacs

        state = qulacs.QuantumState(w["width"])
        self.circuit(w).update_quantum_state(state)
        return Task(
            lambda: state.sampling(w["shots"]),
            lambda samples: {**p0(state.get_amplitude(0)), "ones": ones(samples)},
            "sampling only",
        )
