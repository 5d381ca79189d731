"""Qiskit Aer, timed by its own clock: assembly in Python is left out."""

from workload import ones_of_counts, p0, Task, THREADS


class Peer:
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
