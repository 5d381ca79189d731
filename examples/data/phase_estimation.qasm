// Iterative phase estimation with one recycled qubit: the bits of a phase, the lowest first.
OPENQASM 3.0;
include "stdgates.inc";

const int n = 4;
const float angle_of = 2 * pi * 5 / 2 ** n;  // 0.0101 of a turn

qubit counting;
qubit eigenstate;
bit[n] c;

x eigenstate;
for uint k in [0:n - 1] {
  reset counting;
  h counting;
  ctrl @ pow(2 ** (n - 1 - k)) @ p(angle_of) counting, eigenstate;
  // what is known of the lower bits is turned away
  for uint j in [0:k - 1] {
    if (c[j]) p(-pi / 2 ** (k - j)) counting;
  }
  h counting;
  c[k] = measure counting;
}
