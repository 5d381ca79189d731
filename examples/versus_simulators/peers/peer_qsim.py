"""qsim, through cirq. Option: the largest gate that it fuses."""

import math

from workload import p0, Task, THREADS, u3


class Peer:
    def load(self, w, option):
        import cirq
        import qsimcirq

        q = cirq.LineQubit.range(w["width"])
        circuit = cirq.Circuit()
        for name, k, a in w["gates"]:
            on = [q[i] for i in k]
            if name == "u3":
                circuit.append(cirq.MatrixGate(u3(*a))(*on))
            elif name == "cx":
                circuit.append(cirq.CNOT(*on))
            elif name == "h":
                circuit.append(cirq.H(*on))
            elif name == "rx":
                circuit.append(cirq.rx(a[0])(*on))
            elif name == "ry":
                circuit.append(cirq.ry(a[0])(*on))
            elif name == "rzz":
                circuit.append(cirq.ZZPowGate(exponent=a[0] / math.pi, global_shift=-0.5)(*on))
            elif name == "swap":
                circuit.append(cirq.SWAP(*on))
            elif name == "cp":
                circuit.append(cirq.CZPowGate(exponent=a[0] / math.pi)(*on))
        options = qsimcirq.QSimOptions(cpu_threads=THREADS, max_fused_gate_size=int(option or 2))
        return cirq, q, circuit, qsimcirq.QSimSimulator(options, circuit_memoization_size=1)

    def state(self, w, option):
        import numpy as np

        _, q, circuit, simulator = self.load(w, option)

        def check(state):
            flat = np.asarray(state).ravel()
            return p0(flat[0] if np.iscomplexobj(flat) else complex(flat[0], flat[1]))

        return Task(
            lambda: simulator.simulate_into_1d_array(circuit, qubit_order=q)[1], check, "translation memoised"
        )

    def expectation(self, w, option):
        cirq, q, circuit, simulator = self.load(w, option)
        products = [
            coefficient * cirq.PauliString({q[k]: getattr(cirq, l) for l, k in zip(letters, places)})
            for coefficient, letters, places in w["terms"]
        ]
        observable = [cirq.PauliSum.from_pauli_strings(products)]
        return Task(
            lambda: simulator.simulate_expectation_values(circuit, observable, qubit_order=q)[0].real,
            lambda value: {"energy": value},
            "translation memoised",
        )
