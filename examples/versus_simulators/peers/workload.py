"""What all peers share: a loaded workload, and what is asked of its results."""

import math
import os

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
