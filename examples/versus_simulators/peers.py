"""Runs one other simulator for the example `versus_simulators`.

Started as `python peers.py PEER`, it answers each line of JSON on standard input with one on standard output:

    {"ask": "load", "workload": {..}, "option": ".."}  ->  {"note": ".."}
    {"ask": "run", "times": 3}                         ->  {"seconds": 0.21}    the mean of as many runs in a row
    {"ask": "check"}                                   ->  {"values": {"p0": 0.013}}
    {"ask": "forget"}                                  ->  {}

or `{"error": ".."}`. A workload is what `definition.rs` writes: a portable list of gates `[name, qubits, angles]`, where
`angles` is a list of numbers or the number of a parameter. What a peer offers for excluding construction is used:
circuits, observables and parameter lists are made when a workload is loaded, and loading runs nothing else than what
compiles. Thread counts come by environment variables.
"""

import json
import math
import os
import sys
import time

THREADS = int(os.environ["OMP_NUM_THREADS"])


class Task:
    """What is timed, what is checked afterwards, and the peer's own clock where construction is in the call."""

    def __init__(self, run, check, note="", clock=None):
        self.run, self.check, self.note, self.clock = run, check, note, clock


def p0(amplitude):
    return {"p0": abs(amplitude) ** 2}


def ones(samples):
    """The mean number of ones of outcomes given as an iterable of integers."""
    import numpy as np

    bits = np.unpackbits(np.asarray(samples, dtype="<u8").view(np.uint8))
    return float(bits.sum()) / len(samples)


def ones_of_counts(counts):
    """The mean number of ones of outcomes given as `{"0110": 3, ..}`."""
    total = sum(counts.values())
    return sum(word.count("1") * times for word, times in counts.items()) / total


def u3(theta, phi, lam):
    import numpy as np

    c, s = math.cos(theta / 2), math.sin(theta / 2)
    return np.array([[c, -np.exp(1j * lam) * s], [np.exp(1j * phi) * s, np.exp(1j * (phi + lam)) * c]])


def parameter_sets(w):
    import numpy as np

    return np.array(w["parameters"])


def summed(one, sets):
    """The sum of the values and the norm of all gradients, set by set."""
    import numpy as np

    def run():
        values, squares = 0.0, 0.0
        for values_of_set in sets:
            value, gradient = one(values_of_set)
            values += value
            squares += 0.0 if gradient is None else float(np.sum(np.square(gradient)))
        return values, math.sqrt(squares)

    return run


def energy(result):
    return {"energy": result[0]}


def energy_and_gradient(result):
    return {"energy": result[0], "gradient": result[1]}


def relaxation(w, seconds):
    """Amplitude damping and phase flips that together are thermal relaxation."""
    t1, t2 = w["noise"]["t1"], w["noise"]["t2"]
    return 1 - math.exp(-seconds / t1), 0.5 * (1 - math.exp(-seconds * (1 / t2 - 0.5 / t1)))


def pauli_error(p, qubits):
    """The probability that some Pauli happens in a depolarizing channel with parameter `p`."""
    return p * (1 - 4.0**-qubits)


class Qulacs:
    """Option: block size of the circuit optimiser."""

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


class Qsim:
    """Option: largest fused gate."""

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


class Aer:
    """Timed by its own clock, which leaves the assembly in Python out."""

    def circuit(self, w):
        from qiskit import QuantumCircuit

        circuit = QuantumCircuit(w["width"])
        methods = {"u3": circuit.u}
        for name, q, a in w["gates"]:
            methods.get(name, getattr(circuit, name, None))(*a, *q)
        return circuit

    def noise(self, w):
        from qiskit_aer.noise import NoiseModel, depolarizing_error, thermal_relaxation_error

        if not w["noise"]:
            return None
        model, noise = NoiseModel(), w["noise"]
        p, seconds = noise["u3"]
        decay = thermal_relaxation_error(noise["t1"], noise["t2"], seconds)
        model.add_all_qubit_quantum_error(depolarizing_error(p, 1).compose(decay), ["u"])
        p, seconds = noise["cx"]
        decay = thermal_relaxation_error(noise["t1"], noise["t2"], seconds)
        model.add_all_qubit_quantum_error(depolarizing_error(p, 2).compose(decay.tensor(decay)), ["cx"])
        return model

    def task(self, w, circuit, method, check, shots=1):
        from qiskit_aer import AerSimulator

        simulator = AerSimulator(
            method=method,
            precision="double" if w["precision"] == "f64" else "single",
            max_parallel_threads=THREADS,
            noise_model=self.noise(w),
        )

        def run():
            result = simulator.run(circuit, shots=shots, seed_simulator=3).result()
            if not result.success:
                raise RuntimeError(result.status)
            return result

        return Task(run, check, "its own clock", lambda result: result.results[0].time_taken)

    def state(self, w, option):
        from qiskit_aer.library import SaveAmplitudes

        circuit = self.circuit(w)
        circuit.append(SaveAmplitudes(w["width"], [0]), range(w["width"]))
        return self.task(w, circuit, "statevector", lambda result: p0(result.data()["amplitudes"][0]))

    def expectation(self, w, option):
        import qiskit_aer  # adds `save_expectation_value`
        from qiskit.quantum_info import SparsePauliOp

        circuit = self.circuit(w)
        terms = [(letters, q, coefficient) for coefficient, letters, q in w["terms"]]
        observable = SparsePauliOp.from_sparse_list(terms, w["width"])
        circuit.save_expectation_value(observable, list(range(w["width"])))
        return self.task(
            w, circuit, "statevector", lambda result: {"energy": float(result.data()["expectation_value"])}
        )

    def density(self, w, option):
        import qiskit_aer  # adds `save_probabilities`

        circuit = self.circuit(w)
        circuit.save_probabilities()
        return self.task(
            w, circuit, "density_matrix", lambda result: {"p0": float(result.data()["probabilities"][0])}
        )

    def trajectories(self, w, option):
        circuit = self.circuit(w)
        circuit.measure_all()
        return self.task(
            w,
            circuit,
            "statevector",
            lambda result: {"ones": ones_of_counts(result.get_counts())},
            w["shots"],
        )


class Lightning:
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


class Scaluq:
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

    def observable(self, w):
        import scaluq

        words = [(c, " ".join(f"{l} {k}" for l, k in zip(letters, q))) for c, letters, q in w["terms"]]
        return scaluq.Operator([scaluq.PauliOperator(word, coefficient) for coefficient, word in words])

    def zero(self, w):
        import scaluq

        return scaluq.StateVector(w["width"], precision=w["precision"])

    def state(self, w, option):
        circuit, state = self.circuit(w), self.zero(w)

        def run():
            state.set_zero_state()
            circuit.update_quantum_state(state)

        return Task(run, lambda _: p0(state.get_amplitude_at(0)))

    def expectation(self, w, option):
        circuit, state, observable = self.circuit(w), self.zero(w), self.observable(w)

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
        state, observable = scaluq.StateVectorBatched(len(sets), w["width"]), self.observable(w)
        named = {f"p{k}": list(sets[:, k]) for k in range(sets.shape[1])}

        def run():
            state.set_zero_state()
            circuit.update_quantum_state(state, named)
            return float(np.real(np.sum(observable.get_expectation_value(state))))

        return Task(run, lambda value: {"energy": value}, "batched")

    def samples(self, w, option):
        state = self.zero(w)
        self.circuit(w).update_quantum_state(state)
        return Task(
            lambda: state.sampling(w["shots"]),
            lambda samples: {**p0(state.get_amplitude_at(0)), "ones": ones(samples)},
            "sampling only",
        )


class MindQuantum:
    """Translates the circuit at each call."""

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


class TensorCircuit:
    """On JAX, compiled; the layers of the ansatz are scanned, as its authors advise."""

    def energy(self, w):
        import jax
        import jax.numpy as jnp
        import tensorcircuit

        width, double = w["width"], w["precision"] == "f64"
        tensorcircuit.set_backend("jax")
        tensorcircuit.set_dtype("complex128" if double else "complex64")
        tensorcircuit.set_contractor("plain")
        numbers = [[letters[q.index(k)] if k in q else "I" for k in range(width)] for _, letters, q in w["terms"]]
        structures = [["IXYZ".index(letter) for letter in word] for word in numbers]
        weights = [coefficient for coefficient, _, _ in w["terms"]]
        observable = tensorcircuit.quantum.PauliStringSum2COO(structures, weight=weights, numpy=False)
        layers = sum(name == "cx" for name, _, _ in w["gates"]) // (width - 1)
        layer = w["gates"][: len(w["gates"]) // layers]

        def step(state, angles):
            circuit = tensorcircuit.Circuit(width, inputs=state)
            for name, q, parameter in layer:
                if name == "cx":
                    circuit.cx(*q)
                else:
                    getattr(circuit, name)(q[0], theta=angles[parameter])
            return circuit.state(), None

        def energy(values):
            zero = jnp.zeros(2**width, dtype=jnp.complex128 if double else jnp.complex64).at[0].set(1.0)
            state, _ = jax.lax.scan(step, zero, values.reshape(layers, -1))
            final = tensorcircuit.Circuit(width, inputs=state)
            return tensorcircuit.templates.measurements.sparse_expectation(final, observable)

        return jax, jnp, energy, jnp.asarray(parameter_sets(w), dtype=jnp.float64 if double else jnp.float32)

    def values(self, w, option):
        jax, jnp, energy_of, sets = self.energy(w)
        compiled = jax.jit(jax.vmap(energy_of))

        def run():
            return float(jnp.sum(compiled(sets))), None

        run()
        return Task(run, energy, "compilation excluded")

    def gradients(self, w, option):
        import numpy as np

        jax, jnp, energy_of, sets = self.energy(w)
        compiled = jax.jit(jax.vmap(jax.value_and_grad(energy_of)))

        def run():
            values, gradients = compiled(sets)
            gradients.block_until_ready()
            return float(jnp.sum(values)), float(np.linalg.norm(np.asarray(gradients)))

        run()
        return Task(run, energy_and_gradient, "compilation excluded")


PEERS = {
    "qulacs": Qulacs,
    "qsim": Qsim,
    "aer": Aer,
    "lightning": Lightning,
    "scaluq": Scaluq,
    "mindquantum": MindQuantum,
    "tensorcircuit": TensorCircuit,
}


def repeated(task, times):
    """The mean time of so many runs in a row, and the last result."""
    if task.clock:
        total = 0.0
        for _ in range(times):
            result = task.run()
            total += task.clock(result)
        return total / times, result
    start = time.perf_counter()
    for _ in range(times):
        result = task.run()
    return (time.perf_counter() - start) / times, result


def main():
    # whatever a peer prints goes to standard error: standard output carries the answers
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    peer, task, result = PEERS[sys.argv[1]](), None, None
    for line in sys.stdin:
        question = json.loads(line)
        try:
            if question["ask"] == "load":
                task = result = None  # before the next is made: both may not fit
                workload = question["workload"]
                task = getattr(peer, workload["kind"])(workload, question["option"])
                answer = {"note": task.note}
            elif question["ask"] == "run":
                seconds, result = repeated(task, question["times"])
                answer = {"seconds": seconds}
            elif question["ask"] == "forget":
                task = result = None
                answer = {}
            else:
                values = task.check(result)
                answer = {"values": {name: float(value) for name, value in values.items()}}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
