#!/usr/bin/env python3
"""Has Qiskit read what Ketline writes, and compares what both say that it does.

    python3 -m venv venv && venv/bin/pip install qiskit==2.6.2 qiskit-qasm3-import==0.6.0
    KETLINE_QASM_OUT=target/qasm cargo test --release -p ketline-quantum --test outside qasm_round_trip
    venv/bin/python runtime/quantum/scripts/qasm_qiskit.py runtime/quantum/target/qasm

The test leaves the texts in the folder, relative to `runtime/quantum`: random circuits of every gate of the table and every
file of `data/qasm` that is read, in both versions where version 2 has the words. Beside each stands a JSON file with what
Ketline's simulator says: the unitary with its phase, the probabilities of the outcomes, or the state. For the files of
others the original is read by Qiskit as well and compared with the same figures, which checks the reading.

Unitaries of version 3 are compared with their global phase, those of version 2, which has none, without. Outcomes in the
middle are followed in all branches here, gate by gate, with numpy; nothing is sampled.
"""

import argparse
import json
import pathlib
import re
import sys

import numpy
from qiskit import QuantumCircuit, qasm3
from qiskit.circuit import Clbit
from qiskit.circuit.classical import expr
from qiskit.quantum_info import Operator

TOLERANCE = 1e-9


def load(path):
    text = path.read_text()
    # a file that names no version is one of version 3
    if re.search(r"^\s*OPENQASM\s+2", text, re.MULTILINE):
        return QuantumCircuit.from_qasm_str(text)
    return qasm3.loads(text)


def bind(circuit, text, values):
    names = re.findall(r"^input float\[64\] (\w+);", text, re.MULTILINE)
    known = {parameter.name: parameter for parameter in circuit.parameters}
    pairs = {known[name]: value for name, value in zip(names, values) if name in known}
    return circuit.assign_parameters(pairs) if pairs else circuit


def value_of(node, bits, circuit):
    """A condition's value when the bits are as given."""
    if isinstance(node, expr.Value):
        return node.value
    if isinstance(node, expr.Var):
        if isinstance(node.var, Clbit):
            return bits[circuit.find_bit(node.var).index]
        return sum(bits[circuit.find_bit(bit).index] << k for k, bit in enumerate(node.var))
    if isinstance(node, expr.Cast):
        return int(value_of(node.operand, bits, circuit))
    if isinstance(node, expr.Unary):
        inner = value_of(node.operand, bits, circuit)
        return int(not inner) if node.op in (expr.Unary.Op.LOGIC_NOT, expr.Unary.Op.BIT_NOT) else None
    a, b = (value_of(side, bits, circuit) for side in (node.left, node.right))
    op = expr.Binary.Op
    return int({op.BIT_AND: a & b, op.BIT_OR: a | b, op.BIT_XOR: a ^ b, op.LOGIC_AND: a and b, op.LOGIC_OR: a or b,
                op.EQUAL: a == b, op.NOT_EQUAL: a != b, op.LESS: a < b, op.LESS_EQUAL: a <= b, op.GREATER: a > b,
                op.GREATER_EQUAL: a >= b}[node.op])


def holds(condition, bits, circuit):
    if isinstance(condition, tuple):
        target, value = condition
        targets = [target] if isinstance(target, Clbit) else list(target)
        return sum(bits[circuit.find_bit(bit).index] << k for k, bit in enumerate(targets)) == value
    return bool(value_of(condition, bits, circuit))


def apply(matrix, state, qubits):
    """A matrix on the axes of a state; axis k is qubit k, and the first operand the least significant bit."""
    k = len(qubits)
    tensor = matrix.reshape((2,) * (2 * k))
    axes = list(reversed(qubits))
    state = numpy.tensordot(tensor, state, axes=(list(range(k, 2 * k)), axes))
    return numpy.moveaxis(state, list(range(k)), axes)


def project(state, qubit, outcome):
    part = numpy.zeros_like(state)
    index = [slice(None)] * state.ndim
    index[qubit] = outcome
    part[tuple(index)] = state[tuple(index)]
    return part


def run(instructions, branches, circuit, qubits, clbits):
    """Branches (bits, state) after the instructions; `qubits` and `clbits` map those of an inner circuit outwards."""
    for item in instructions:
        op, places = item.operation, [qubits[bit] for bit in item.qubits]
        if op.name == "barrier":
            continue
        if op.name == "measure":
            out = {}
            bit = clbits[item.clbits[0]]
            for bits, state in branches:
                for outcome in (0, 1):
                    part = project(state, places[0], outcome)
                    if numpy.vdot(part, part).real > 1e-14:
                        changed = bits[:bit] + (outcome,) + bits[bit + 1:]
                        out.setdefault(changed, []).append(part)
            branches = [(bits, part) for bits, parts in out.items() for part in parts]
        elif op.name == "reset":
            flip = numpy.array([[0, 1], [1, 0]])
            split = [(bits, project(state, places[0], outcome), outcome) for bits, state in branches for outcome in (0, 1)]
            branches = [(bits, apply(flip, part, places) if outcome else part)
                        for bits, part, outcome in split if numpy.vdot(part, part).real > 1e-14]
        elif op.name == "if_else":
            out = []
            for bits, state in branches:
                block = op.blocks[0] if holds(op.condition, bits, circuit) else (op.blocks[1:] or [None])[0]
                if block is None:
                    out.append((bits, state))
                    continue
                inner_qubits = {inner: place for inner, place in zip(block.qubits, places)}
                inner_clbits = {inner: clbits[outer] for inner, outer in zip(block.clbits, item.clbits)}
                out += run(block.data, [(bits, state)], circuit, inner_qubits, inner_clbits)
            branches = out
        else:
            matrix = Operator(op).data
            branches = [(bits, apply(matrix, state, places)) for bits, state in branches]
    return branches


def branches_of(circuit):
    start = numpy.zeros((2,) * circuit.num_qubits, dtype=complex)
    start[(0,) * circuit.num_qubits] = 1
    qubits = {bit: k for k, bit in enumerate(circuit.qubits)}
    clbits = {bit: k for k, bit in enumerate(circuit.clbits)}
    return run(circuit.data, [((0,) * circuit.num_clbits, start)], circuit, qubits, clbits)


def flat(state):
    return numpy.transpose(state, list(reversed(range(state.ndim)))).reshape(-1)


def complex_of(pairs):
    array = numpy.array(pairs)
    return array[..., 0] + 1j * array[..., 1]


def aligned(found, wanted):
    """`found` with the phase of `wanted`."""
    overlap = numpy.vdot(found, wanted)
    return found * (overlap / abs(overlap))


def deviation(circuit, about, phase):
    """The largest difference, or None where nothing was computed."""
    if "unitary" in about:
        wanted = complex_of(about["unitary"]).T
        found = Operator(circuit).data
        return abs((found if phase else aligned(found, wanted)) - wanted).max()
    if "probabilities" in about:
        found = numpy.zeros(1 << circuit.num_clbits)
        for bits, state in branches_of(circuit):
            found[sum(bit << k for k, bit in enumerate(bits))] += numpy.vdot(state, state).real
        return abs(found - numpy.array(about["probabilities"])).max()
    if "state" in about:
        (_, state), = branches_of(circuit)
        wanted = complex_of(about["state"])
        return abs(aligned(flat(state), wanted) - wanted).max()
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    folder = parser.parse_args().folder
    rows = {key: [0, 0, 0, 0.0] for key in ("version 3", "version 2", "originals")}
    failed = []
    for about_path in sorted(folder.glob("*.json")):
        about = json.loads(about_path.read_text())
        base = str(about_path)[:-len(".json")]
        texts = [("version 3", pathlib.Path(base + ".qasm3")), ("version 2", pathlib.Path(base + ".qasm"))]
        if about["source"]:
            texts.append(("originals", pathlib.Path(about["source"])))
        for kind, path in texts:
            if not path.exists():
                continue
            row = rows[kind]
            row[0] += 1
            try:
                circuit = bind(load(path), path.read_text(), about["values"])
                row[1] += 1
                found = deviation(circuit, about, kind == "version 3")
            except Exception as error:  # whatever Qiskit says is what is reported
                failed.append(f"{kind} {path.name}: {type(error).__name__}: {str(error).splitlines()[0][:150]}")
                continue
            if found is not None:
                row[2] += 1
                row[3] = max(row[3], found)
                if found > TOLERANCE:
                    failed.append(f"{kind} {path.name}: off by {found:.3g}")
    for kind, (texts, read, compared, worst) in rows.items():
        print(f"{kind}: {texts} texts, {read} read by Qiskit, {compared} compared, largest deviation {worst:.2e}")
    print("\n".join(failed))
    return 1 if any("off by" in line or not line.startswith("originals") for line in failed) else 0


if __name__ == "__main__":
    sys.exit(main())
