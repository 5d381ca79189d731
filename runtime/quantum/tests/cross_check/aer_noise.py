#!/usr/bin/env python3
"""Density matrices of qiskit-aer's device noise model, to compare Ketline's with.

    python3 -m venv venv && venv/bin/pip install qiskit==2.6.2 qiskit-aer==0.18.2
    venv/bin/python runtime/quantum/tests/cross_check/aer_noise.py

writes `aer_noise.json` beside this file; the test `aer_noise` of the crate ketline-quantum reads it. With `--check` it
writes nothing and compares the file with what qiskit-aer says now.

Each case is a random circuit of native gates (rz, sx, x, cx) on 2 to 4 coupled qubits of a bundled calibration. The
noise is qiskit-aer's own `basic_device_gate_errors` (depolarizing and thermal relaxation, temperature 0) of a Target
with the figures of that calibration; nothing of the noise is computed here.
"""

import argparse
import json
import pathlib
import random
import sys

import numpy
import qiskit
import qiskit_aer
from qiskit.circuit import Parameter, QuantumCircuit
from qiskit.circuit.library import CXGate, RZGate, SXGate, XGate
from qiskit.transpiler import InstructionProperties, QubitProperties, Target
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel
from qiskit_aer.noise.device import basic_device_gate_errors

HERE = pathlib.Path(__file__).resolve().parent
DATA = HERE.parent.parent / "data"
DEVICES = ["manila", "jakarta", "lagos", "perth", "belem", "valencia", "guadalupe", "montreal"]
WIDTHS = [2, 3, 4]
DIGITS = 11


def coupled(device, width, rng):
    """`width` qubits, each coupled to one before it, in random order."""
    chosen = [rng.randrange(len(device["qubits"]))]
    while len(chosen) < width:
        next_to = sorted({b for a, b in device["edges"] if a in chosen and b not in chosen})
        chosen.append(rng.choice(next_to))
    rng.shuffle(chosen)
    return chosen


def target_of(device, physical):
    """The chosen qubits only, numbered as in the circuit."""
    place = {qubit: number for number, qubit in enumerate(physical)}
    rows = [device["qubits"][qubit] for qubit in physical]
    properties = [QubitProperties(t1=row["t1"], t2=row["t2"], frequency=row["frequency"]) for row in rows]
    target = Target(num_qubits=len(physical), dt=device["dt"], qubit_properties=properties)
    for name, gate in [("rz", RZGate(Parameter("angle"))), ("sx", SXGate()), ("x", XGate()), ("cx", CXGate())]:
        known = {}
        for row in device["gates"]:
            if row["name"] == name and all(qubit in place for qubit in row["qubits"]):
                operands = tuple(place[qubit] for qubit in row["qubits"])
                known[operands] = InstructionProperties(duration=row["length"], error=row["error"])
        target.add_instruction(gate, known)
    return target


def steps_of(target, width, rng):
    pairs = sorted(target["cx"])
    steps = []
    for _ in range(rng.randint(6, 10) * width):
        name = rng.choice(["rz", "sx", "x", "cx", "cx", "sx"])
        qubits = list(rng.choice(pairs)) if name == "cx" else [rng.randrange(width)]
        angles = [round(rng.uniform(-3.14, 3.14), 6)] if name == "rz" else []
        steps.append([name, angles, qubits])
    return steps


def density_matrix(target, width, steps):
    noise = NoiseModel(basis_gates=["rz", "sx", "x", "cx"])
    for name, qubits, error in basic_device_gate_errors(target=target, temperature=0):
        noise.add_quantum_error(error, name, qubits)
    circuit = QuantumCircuit(width)
    for name, angles, qubits in steps:
        getattr(circuit, name)(*angles, *qubits)
    circuit.save_density_matrix()
    # Fusion would be the same physics, but then the gates that errors hang on could be gone.
    simulator = AerSimulator(method="density_matrix", noise_model=noise, fusion_enable=False)
    return numpy.asarray(simulator.run(circuit).result().data()["density_matrix"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare the stored figures with qiskit-aer's")
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    cases = []
    for name in DEVICES:
        device = json.loads((DATA / f"{name}.json").read_text())
        for width in WIDTHS:
            physical = coupled(device, width, rng)
            target = target_of(device, physical)
            steps = steps_of(target, width, rng)
            rho = density_matrix(target, width, steps)
            # Where T2 > T1 qiskit-aer drops Kraus operators below 1e-8.
            assert abs(numpy.trace(rho) - 1) < 1e-7 and numpy.allclose(rho, rho.conj().T, atol=1e-8)
            # Row by row from the diagonal to the right; the rest is its conjugate.
            upper = [rho[row, column] for row in range(2**width) for column in range(row, 2**width)]
            flat = [round(float(part), DIGITS) + 0.0 for entry in upper for part in (entry.real, entry.imag)]
            purity = float((numpy.abs(rho) ** 2).sum())
            print(f"{name:10} {physical!s:14} {len(steps):3} gates, purity {purity:.4f}")
            cases.append({"device": name, "physical": physical, "steps": steps, "upper": flat})
    path = HERE / "aer_noise.json"
    if arguments.check:
        stored = json.loads(path.read_text())["cases"]
        off = max(numpy.abs(numpy.subtract(a["upper"], b["upper"])).max() for a, b in zip(stored, cases, strict=True))
        print(f"{len(cases)} cases, largest deviation from the stored figures {off:.1e}")
        sys.exit(off > 1e-9)
    made = {"qiskit": qiskit.__version__, "qiskit-aer": qiskit_aer.__version__, "seed": arguments.seed}
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    text = f'{{\n"made_by": {json.dumps(made)},\n"cases": [\n{lines}\n]\n}}\n'
    temporary = path.with_suffix(".part")
    temporary.write_text(text)
    temporary.replace(path)
    print(f"{len(cases)} cases written to {path.name}")


if __name__ == "__main__":
    main()
