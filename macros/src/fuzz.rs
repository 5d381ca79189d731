//! The macros on arbitrary tokens: messages, never a panic, and always tokens that parse.

use proc_macro2::TokenStream;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::circuit::circuit;
use crate::dataset::dataset;
use crate::observable::observable;
use crate::pipeline::pipeline;
use crate::pulse::pulse;

/// What a circuit is written with, and what it is not.
const WORDS: &[&str] = &[
    "h",
    "cx",
    "rx",
    "measure",
    "reset",
    "barrier",
    "inverse",
    "control",
    "power",
    "q",
    "r",
    "theta",
    "m",
    "i",
    "N",
    "G",
    "EDGES",
    "::",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "<",
    ">",
    ",",
    ";",
    ":",
    "..",
    "..=",
    "+",
    "-",
    "*",
    "/",
    "%",
    "=",
    "!",
    "&",
    "|",
    "#",
    "->",
    "let",
    "for",
    "in",
    "if",
    "else",
    "while",
    "match",
    "return",
    "?",
    "fn",
    "pub",
    "const",
    "usize",
    "Qubit",
    "Qubits",
    "Bits",
    "Angle",
    "0",
    "1",
    "2",
    "-1",
    "90deg",
    "0.5red",
    "5ns",
    "2i",
    "1e999turn",
    "170141183460469231731687303715884105728",
    "Z",
    "X",
    "W",
    "sum",
    "as",
    "f64",
    "'a",
    "\"text\"",
    "mut",
    "_",
    "self",
    "device",
    "==",
    "play",
    "delay",
    "at",
    "shift_phase",
    "set_frequency",
    "capture",
    "drive",
    "acquire",
    "drag",
    "sampled",
    "duration",
    "amp",
    "sigma",
    "160dt",
    "5GHz",
    "1e400ns",
    "1.3",
    "pulse",
    "struct",
    "enum",
    "U8",
    "16GiB",
    "chunk",
    "samples",
    "jpeg",
    "range",
];

/// Parts of a data set.
const PARTS: &[&str] = &[
    "#[chunk(samples = 0, zstd)]",
    "#[chunk(bytes = 1.5MiB)]",
    "#[shuffle(chunks = 2, samples = N, seed = 7)]",
    "#[shuffle]",
    "#[prefetch(chunks = 3, threads = -1, memory = 99999999999TiB)]",
    "#[split(train = 0.5, valid = X, test)]",
    "#[batch(samples = 5ns)]",
    "#[derive(Debug)]",
];

const FIELDS: &[&str] = &[
    "a: u8,",
    "pub b: U8<3, N, { 2 * N }>,",
    "#[range(-1..=1)] c: F32<0>,",
    "#[range(..)] d: Vec<u16>,",
    "#[jpeg] e: U8<3, 4, 4>,",
    "#[jpeg] f: F32,",
    "g: &str,",
    "h: U8<1, 2, 3, 4, 5>,",
    "a: String,",
    "i: fn(u8) -> u8,",
    "#[range(0..170141183460469231731687303715884105728)] j: U8<T, u8>,",
    "k: U8(3),",
];

/// Bodies that parse more often than not.
const STATEMENTS: &[&str] = &[
    "h(q[0]);",
    "cx(q[i], q[i + 1]);",
    "cx(q, r);",
    "rx(theta[i], q[N - 1]);",
    "let m = measure(q);",
    "measure(q)",
    "m",
    "for i in 0..N { cx(q[i], q[(i + 1) % N]); }",
    "for (i, j) in G::EDGES { cz(q[i], q[j]); }",
    "if m[0] { x(q[1]); }",
    "inverse({ h(q[0]); measure(q[0]); });",
    "control(q[0], control(q[0], x(q[0])));",
    "power(-1, s(q[0]));",
    "swap(q[0..2], q[1..=2]);",
    "let a = q[0];",
    "let k = N - 1;",
    "for k in (2..0).rev() { h(q[k]); }",
    "sub::bell([q[0], r[1]]);",
    "let n = f(1) + 2;",
    "h(q[170141183460469231731687303715884105727 + 1]);",
    "h(q[..]);",
    "rx(90, q[0]);",
    "{ h(q[0]); }",
    "pulse!({ play(drive(q[0]), drag(duration = 64ns, amp = theta[i], sigma = 16ns, beta = -1.0)); });",
    "pulse!(play(drive(q), x));",
    "pulse! { }",
];

/// Bodies of pulse programs that parse more often than not.
const PULSES: &[&str] = &[
    "let x = drag(duration = 160dt, sigma = 40dt, amp = 0.2, beta = -1.24);",
    "let cr = gaussian_square(duration = 848dt, width = 592ns, sigma = 64dt, amp = 2.0 * t);",
    "play(drive(q[0]), x);",
    "play(control(q[i], q[i + 1]), -cr / 2);",
    "play(control(q, r), 0.5 * sampled(samples = f(1)));",
    "play(acquire(q[3]), constant(duration = DURATION + 5ns, amp = 1e999));",
    "barrier(q, r);",
    "at(drive(q[1]), 100ns - 20dt);",
    "delay(readout(r), 1e400s);",
    "shift_phase(drive(q[0]), -90deg);",
    "set_frequency(drive(q[0]), 5.9GHz);",
    "let m = capture(acquire(q[0]), 1us);",
    "capture(acquire(r), 1us)",
    "m",
    "[m, m]",
    "for i in 0..N { play(drive(q[i]), x); }",
    "sub::x90::<D>(q[0], 0.5);",
    "drag(duration = 160, duration = 0ns, x, amp = 3.0);",
    "inverse(f(q[0]));",
    "if m { }",
];

/// Bodies of pipelines that parse more often than not.
const LAYERS: &[&str] = &[
    "let y = linear(x, out = 4 * H);",
    "let y = linear(x, 2);",
    "#[stage] let x = f(x, n);",
    "#[stage(repeat = n)] let x = { let z = gelu(x); x + z };",
    "#[stage(repeat = 0, name = \"s\")] let (x, y) = (y, x);",
    "let t = embedding(arange(S), rows = 170141183460469231731687303715884105727 + 1, dim = H - H);",
    "let y = x.at(axis = 7, index = -1);",
    "let y = concat(x, y, 3, axis = n);",
    "let y = reshape(x, shape = [B * S, { H / 2 }, 0]);",
    "let y = conv2d(x, filters = H, size = 3, stride = 0, padding = 1 - 2);",
    "let y = attention(layer_norm(x), mask, heads = n / 0);",
    "let y = slice(x, axis = 0, range = 3..1);",
    "let y = -2 * x / 0.5 - x * y;",
    "let k = 2 * H;",
    "let y = embedding_bags(bags, rows = [1, 2], dim = k);",
    "let y = embedding_bags(bags, rows = T::ROWS, dim = f(3));",
    "let y = aggregate(x, hop);",
    "let y = g::<_, 3>(x);",
    "let y = a::b::g::<H>(x, mask, 2);",
    "let y = {};",
    "for i in 0..3 { relu(x); }",
    "cross_entropy(y, mask)",
    "(x, y)",
    "x",
];

const MODELS: &[&str] = &[
    "fn f(x: F32<B, 4>) -> F32<B, 4>",
    "pub fn f<const S: usize, const H: usize>(x: F32<B, S, H>, mask: Bool<B, S>, n: usize) -> F32<B, S, H>",
    "#[fits(devices = 2, memory = 1MiB, batch = 7, microbatches = 0)] fn f<const H: usize>(x: F32<B, H>) -> (F32<B, 2>, F32)",
    "#[fits(devices = n, memory = M, batch = B, B = 2)] fn f(x: Bf16<B>, bags: [I32<B, 2>; 2], hop: Hop<A, B, C>)",
    "async fn f<T, const N: bool>(self, x: F32<(u8)>, y: [F32; 0], hop: Hop<1>) -> u8",
];

const SIGNATURES: &[&str] = &[
    "fn f(q: Qubits<2>)",
    "pub fn f<const N: usize>(q: Qubits<N>, theta: [[Angle; N]; 2]) -> Bits<N>",
    "#[device(Line5)] fn f(q: Qubits<4>, r: Qubit, edges: &[(usize, usize)])",
    "fn f(q: Qubits<0>, q: Qubit) -> Bit",
    "/// Docs.\n fn f<G: Graph, const N: usize>(q: Qubits<{ 2 * 3 }>, t: Angle)",
    "async fn f(self, mut q: u8) -> u8",
];

/// The macro's answer to tokens that a file can hold.
fn answer(text: &str, expand: fn(TokenStream) -> TokenStream) -> Option<TokenStream> {
    text.parse().ok().map(expand)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_tokens(words in vec(select(WORDS), 0..40)) {
        let text = words.join(" ");
        answer(&text, circuit);
        answer(&text, pulse);
        answer(&text, |text| observable(&text));
        answer(&text, dataset);
        answer(&text, pipeline);
    }

    #[test]
    fn any_dataset(
        parts in vec(select(PARTS), 0..4), name in select(&["struct S", "pub struct S<const N: usize>", "struct S<'a, T>", "enum S"][..]),
        fields in vec(select(FIELDS), 0..5), noise in vec(select(WORDS), 0..2),
    ) {
        let text = format!("{} {name} {{ {} {} }}", parts.join(" "), fields.join(" "), noise.join(" "));
        if let Some(items) = answer(&text, dataset) {
            prop_assert!(syn::parse2::<syn::File>(items.clone()).is_ok(), "{items}");
        }
    }

    #[test]
    fn any_body(signature in select(SIGNATURES), statements in vec(select(STATEMENTS), 0..8), noise in vec(select(WORDS), 0..4)) {
        let text = format!("{signature} {{ {} {} }}", statements.join(" "), noise.join(" "));
        if let Some(items) = answer(&text, circuit) {
            prop_assert!(syn::parse2::<syn::File>(items.clone()).is_ok(), "{items}");
        }
    }

    #[test]
    fn any_pulses(signature in select(SIGNATURES), statements in vec(select(PULSES), 0..8), noise in vec(select(WORDS), 0..4)) {
        let text = format!("{signature} {{ {} {} }}", statements.join(" "), noise.join(" "));
        if let Some(items) = answer(&text, pulse) {
            prop_assert!(syn::parse2::<syn::File>(items.clone()).is_ok(), "{items}");
        }
    }

    #[test]
    fn any_pipeline(
        signature in select(MODELS), statements in vec(select(LAYERS), 0..8), other in vec(select(LAYERS), 0..4),
        noise in vec(select(WORDS), 0..3),
    ) {
        let text = format!(
            "{signature} {{ {} {} }} fn g<const H: usize, const K: usize>(x: F32<B, H>) -> F32<B, K> {{ {} }}",
            statements.join(" "), noise.join(" "), other.join(" ")
        );
        if let Some(items) = answer(&text, pipeline) {
            prop_assert!(syn::parse2::<syn::File>(items.clone()).is_ok(), "{items}");
        }
    }

    #[test]
    fn any_sum(words in vec(select(WORDS), 1..12)) {
        let text = words.join(" ");
        if let Some(expression) = answer(&text, |text| observable(&text)) {
            prop_assert!(syn::parse2::<syn::Expr>(expression.clone()).is_ok(), "{expression}");
        }
    }
}
