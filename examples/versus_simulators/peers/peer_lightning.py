"""PennyLane's lightning.qubit."""

from workload import energy_and_gradient, p0, parameter_sets, summed, Task


class Peer:
    def device(self, w):
        import numpy as np
        import pennylane as qml

        dtype = np.complex128 if w["precision"] == "f64" else np.complex64
        return qml, qml.device("lightning.qubit", wires=w["width"], c_dtype=dtype)

    def operations(self, w):
        import pennylane as qml

        operations = []
        for name, q, a in w["gates"]:
            if name == "u3":
                operations.append(qml.Rot(a[2], a[0], a[1], wires=q))  # equal up to a phase, and faster than U3
            elif name == "cx":
                operations.append(qml.CNOT(q))
            elif name == "h":
                operations.append(qml.Hadamard(q))
            elif name == "rx":
                operations.append(qml.RX(a[0], q))
            elif name == "ry":
                operations.append(qml.RY(a[0], q))
            elif name == "rzz":
                operations.append(qml.IsingZZ(a[0], q))
            elif name == "swap":
                operations.append(qml.SWAP(q))
            elif name == "cp":
                operations.append(qml.ControlledPhaseShift(a[0], q))
        return operations

    def observable(self, w):
        import pennylane as qml

        letters = {"X": qml.X, "Y": qml.Y, "Z": qml.Z}
        products = [qml.prod(*(letters[l](k) for l, k in zip(word, q))) for _, word, q in w["terms"]]
        return qml.Hamiltonian([coefficient for coefficient, _, _ in w["terms"]], products)

    def state(self, w, option):
        qml, device = self.device(w)
        operations = self.operations(w)
        tape = qml.tape.QuantumScript(operations, [qml.expval(qml.Z(0))])
        whole = qml.tape.QuantumScript(operations, [qml.state()])
        return Task(lambda: device.execute(tape), lambda _: p0(device.execute(whole)[0]), "with one <Z>")

    def expectation(self, w, option):
        qml, device = self.device(w)
        tape = qml.tape.QuantumScript(self.operations(w), [qml.expval(self.observable(w))])
        return Task(lambda: device.execute(tape), lambda value: {"energy": float(value)})

    def gradients(self, w, option):
        import numpy as np
        from pennylane.devices import ExecutionConfig

        qml, device = self.device(w)
        gates = {"ry": lambda q: qml.RY(0.0, q), "rz": lambda q: qml.RZ(0.0, q), "cx": qml.CNOT}
        operations = [gates[name](q) for name, q, _ in w["gates"]]
        places = list(range(len(w["parameters"][0])))
        tape = qml.tape.QuantumScript(operations, [qml.expval(self.observable(w))], trainable_params=places)
        config = ExecutionConfig(gradient_method="adjoint", use_device_gradient=True)

        def one(values):
            bound = tape.bind_new_parameters(list(values), places)
            value, gradient = device.execute_and_compute_derivatives((bound,), config)
            return float(np.ravel(np.real(value[0]))[0]), np.ravel(gradient)

        return Task(summed(one, parameter_sets(w)), energy_and_gradient)
