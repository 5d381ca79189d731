//! Texts from the grammar, most of them nearly right: templates in which `¤e` stands for an expression, `¤a` for an angle,
//! `¤o` for an operand, `¤b` for a block, `¤s` for a statement, `¤n` for a name and `¤m` for a modifier or none.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Heads of texts; the first is one of version 2.
const HEADS: &[&str] = &[
    "OPENQASM 2.0;\ninclude \"qelib1.inc\";\nqreg q[3];\nqreg r[3];\ncreg c[3];\ncreg d[3];\n",
    "OPENQASM 3.0;\ninclude \"stdgates.inc\";\nqubit[3] q;\nqubit[3] r;\nbit[3] c;\nbit[3] d;\n",
    "OPENQASM 3;\ninclude \"stdgates.inc\";\ninput float t;\nint k = 2;\nqubit[3] q;\nqubit[3] r;\nbit[3] c;\nbit[3] d;\n",
];

/// Statements that are alike in both versions, and those of version 2; the first ones do not nest.
const SIMPLE: usize = 14;
#[rustfmt::skip]
const STATEMENTS_2: &[&str] = &[
    "x q[0];", "h q;", "rz(¤a) ¤o;", "u3(¤a, ¤a, ¤a) q[1];", "cx q[0], q[1];", "cx q, r;", "ccx ¤o, ¤o, ¤o;", "measure q -> c;",
    "measure r[0] -> d[1];", "reset ¤o;", "barrier q, r[1];", "U(¤a, 0, pi/2) ¤o;", "rzz(¤a) q[0], q[2];", "g0 ¤o;",
    "if (c == 1) ¤s", "if (d==3) x q[2];", "if(c==0) measure q[0] -> c[0];", "gate g0 a { h a; cz a, a; }", "gate g0 a { h a; t a; }",
    "gate g1(t) a, b { rz(t/2) a; cx a, b; rz(sin(t)) b; }", "g1(¤a) q[0], ¤o;", "opaque g2(t) a;", "c3x q[0], q[1], q[2], r[0];",
];
#[rustfmt::skip]
const STATEMENTS_3: &[&str] = &[
    "¤mx ¤o;", "¤mh q;", "rz(¤a) ¤o;", "¤mu3(¤a, ¤a, ¤a) ¤o;", "cx q[0], q[1];", "cx q, r;", "¤mcx ¤o, ¤o;", "c = measure q;",
    "d[1] = measure ¤o;", "reset ¤o;", "barrier q, r[1];", "¤mU(¤a, 0, pi/2) ¤o;", "¤mgphase(¤a) ¤o;", "g0 ¤o;", "c[0] = measure q[2];",
    "measure q[1] -> c[1];", "ctrl @ x q[0], r[0];", "ctrl(2) @ p(¤a) q[0], q[1], q[2];", "inv @ pow(2) @ s q[0];",
    "pow(¤e) @ ry(¤a) q[1];", "if (¤e) ¤b", "if (c[0]) ¤b", "if (!d[1]) ¤b else ¤b", "if (c == 5) ¤b", "if (uint[3](d) > 2) ¤s",
    "if (c[0] ^ c[1]) ¤s", "if (c[2] && d[0] || c[1]) ¤b", "for int i in [0:3] ¤b", "for uint i in {2, 0, 1} ¤b",
    "for int i in [4:-2:-4] ¤b", "for int i in [0:1] { rz(i * ¤a) q[i]; if (c[i]) ¤s }", "for bit b in c ¤b", "box ¤b",
    "gate g0 a { h a; t a; }", "gate g0 a ¤b", "gate g1(t) a, b { rz(t/2) a; cx a, b; }", "g1(¤a) ¤o, ¤o;",
    "gate rzz(t) a, b { cx a, b; rz(t) b; cx a, b; }", "rzz(¤a) q[0], q[1];", "def f(qubit a) -> bit { h a; return measure a; }",
    "def f(int k) ¤b", "d[0] = f(q[1]);", "f(¤e);", "int k = ¤e;", "const int n = ¤e;", "uint[4] v = ¤e;", "float v = ¤e;",
    "bit[3] e = ¤e;", "let a = ¤o;", "let a = q ++ r[0:1];", "input array[float, 2, 2] w;", "output bit[2] o;", "o[0] = c[1];", "d = c;",
    "¤n = ¤e;", "¤n += ¤e;", "k <<= 1;", "return c[0];", "break;", "continue;", "delay[10ns] q;", "e = c;", "@note\nx q[0];",
];
#[rustfmt::skip]
const EXPRESSIONS: &[&str] = &[
    "1", "2", "0.5", "3", "pi", "k", "c[0]", "d[2]", "c", "true", "i", "n", "v", "t", "\"101\"", "w[0, 1]", "1e-3", "9999999999999",
    "¤e + ¤e", "¤e - ¤e", "¤e * ¤e", "¤e / ¤e", "¤e ** ¤e", "¤e ^ ¤e", "¤e % ¤e", "¤e == ¤e", "¤e != ¤e", "¤e < ¤e", "¤e && ¤e",
    "¤e || ¤e", "¤e << ¤e", "¤e & ¤e", "¤e ++ ¤e", "-¤e", "!¤e", "~¤e", "(¤e)", "sin(¤e)", "sqrt(¤e)", "mod(¤e, ¤e)", "int[4](¤e)",
    "uint(¤e)", "float(¤e)", "bool(¤e)", "bit[3](¤e)", "popcount(¤e)", "sizeof(¤n)", "rotl(c, ¤e)", "c[¤e]", "f(¤e)",
];
#[rustfmt::skip]
const ANGLES: &[&str] = &["pi", "0.3", "-pi/2", "3*pi/4", "1.5", "2e-3", "0", "¤e", "t", "2*t - 1", "w[1, 0]", "sin(0.3)", "pi/k"];
#[rustfmt::skip]
const OPERANDS: &[&str] = &[
    "q[0]", "q[1]", "q[2]", "r[0]", "r[1]", "r[2]", "q[-1]", "q", "r", "q[0:1]", "r[{0, 2}]", "q[::2]", "q[i]", "a", "b", "c[0]", "$1",
];
#[rustfmt::skip]
const NAMES: &[&str] = &["q", "r", "c", "d", "k", "v", "i", "n", "t", "w", "g0", "g1", "f", "x", "cx", "rz", "e", "nothing"];
#[rustfmt::skip]
const MODIFIERS: &[&str] = &["ctrl @ ", "negctrl @ ", "inv @ ", "pow(2) @ ", "pow(0.5) @ ", "pow(-1.5) @ ", "ctrl(2) @ "];

/// A text.
pub(crate) fn invent(rng: &mut ChaCha8Rng) -> String {
    let head = rng.random_range(0..HEADS.len());
    let mut text = HEADS[head].to_owned();
    for _ in 0..rng.random_range(1..8) {
        fill("¤s", head == 0, 0, rng, &mut text);
    }
    text
}

/// Writes a template with everything in it chosen.
fn fill(template: &str, two: bool, depth: usize, rng: &mut ChaCha8Rng, text: &mut String) {
    let mut parts = template.split('¤');
    text.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let mut pick = |choices: &[&'static str]| choices[rng.random_range(0..choices.len())];
        let flat = depth > 3;
        let chosen = match part.as_bytes()[0] {
            b's' if two => pick(&STATEMENTS_2[..if flat { SIMPLE } else { STATEMENTS_2.len() }]),
            b's' => pick(&STATEMENTS_3[..if flat { SIMPLE } else { STATEMENTS_3.len() }]),
            b'e' => pick(&EXPRESSIONS[..if flat { 18 } else { EXPRESSIONS.len() }]),
            b'a' => pick(&ANGLES[..if two { 7 } else { ANGLES.len() }]),
            b'o' => pick(&OPERANDS[..if two { 6 } else { OPERANDS.len() }]),
            b'b' => pick(&["{}", "{ ¤s }", "{ ¤s ¤s }", "{ ¤s ¤s ¤s }"]),
            b'n' => pick(NAMES),
            _ if rng.random_range(0..3) > 0 => "",
            _ => MODIFIERS[rng.random_range(0..MODIFIERS.len())],
        };
        let statement = part.starts_with('s');
        fill(chosen, two, depth + 1, rng, text);
        text.push_str(if statement { "\n" } else { "" });
        text.push_str(&part[1..]);
    }
}
