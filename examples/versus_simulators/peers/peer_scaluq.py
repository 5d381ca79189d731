"""scaluq. Option: `serial` for its execution space without threads, which is faster for small states."""

from workload import ones, p0, parameter_sets, Task


class Peer:
    def circuit(self, w):
        import scaluq
        from scaluq import gate

        circuit = scaluq.Circuit()
        for name, q, a in w["gates"]:
            if name == "u3":
                circuit.add_gate(gate.U3(q[0], *a))
            elif name == "cx":
                circuit.add_gate(gate.CX(*q))
            elif name == "h":
                circuit.add_gate(gate.H(q[0]))
            elif name == "rx":
                circuit.add_gate(gate.RX(q[0], a[0]))
            elif name == "ry":
                circuit.add_gate(gate.RY(q[0], a[0]))
            elif name == "rzz":
                product = scaluq.PauliOperator(f"Z {q[0]} Z {q[1]}")
                circuit.add_gate(gate.PauliRotation(product, a[0]))
            elif name == "swap":
                circuit.add_gate(gate.Swap(*q))
            elif name == "cp":
                circuit.add_gate(gate.U1(q[1], a[0], [q[0]]))
        return circuit

    def space(self, w, option):
        import scaluq

        return getattr(scaluq.host_serial if option == "serial" else scaluq.default, w["precision"])

    def observable(self, w, option):
        import scaluq

        words = [(c, " ".join(f"{l} {k}" for l, k in zip(letters, q))) for c, letters, q in w["terms"]]
        products = [scaluq.PauliOperator(word, coefficient) for coefficient, word in words]
        return self.space(w, option).Operator(products)

    def zero(self, w, option):
        return self.space(w, option).StateVector(w["width"])

    def state(self, w, option):
        circuit, state = self.circuit(w), self.zero(w, option)

        def run():
            state.set_zero_state()
            circuit.update_quantum_state(state)

        return Task(run, lambda _: p0(state.get_amplitude_at(0)))

    def expectation(self, w, option):
        circuit, state, observable = self.circuit(w), self.zero(w, option), self.observable(w, option)

        def run():
            state.set_zero_state()
            circuit.update_quantum_state(state)
            return observable.get_expectation_value(state).real

        return Task(run, lambda value: {"energy": value})

    def values(self, w, option):
        import numpy as np
        import scaluq
        from scaluq import gate

        circuit, sets = scaluq.Circuit(), parameter_sets(w)
        rotations = {"ry": gate.ParamRY, "rz": gate.ParamRZ}
        for name, q, parameter in w["gates"]:
            if name == "cx":
                circuit.add_gate(gate.CX(*q))
            else:
                circuit.add_param_gate(rotations[name](q[0]), f"p{parameter}")
        state, observable = self.space(w, option).StateVectorBatched(len(sets), w["width"]), self.observable(w, option)
        named = {f"p{k}": list(sets[:, k]) for k in range(sets.shape[1])}

        def run():
            state.set_zero_state()
            circuit.update_quantum_state(state, named)
            return float(np.real(np.sum(observable.get_expectation_value(state))))

        return Task(run, lambda value: {"energy": value}, "batched")

    def samples(self, w, option):
        state = self.zero(w, option)
        self.circuit(w).update_quantum_state(state)
        return Task(
            lambda: state.sampling(w["shots"]),
            lambda samples: {**p0(state.get_amplitude_at(0)), "ones": ones(samples)},
            "sampling only",
        )
