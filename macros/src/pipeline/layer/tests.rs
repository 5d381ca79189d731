//! Each row against the runtime: the shape that the macro infers is that of the graph, and what it counts of parameters and of
//! what the backward pass reads is what the graph's own derivative reads.

use std::collections::{BTreeMap, BTreeSet};

use ketline_model::layers::Heads;
use ketline_model::operator::Window;
use ketline_model::{DType, Dim, Graph, Init, Result, Sizes, TensorType, Value, expansion};

use super::LAYERS;
use crate::diag::Diagnostics;
use crate::pipeline::check::Library;
use crate::pipeline::check::value::Held;
use crate::pipeline::model::{Kind, Pipeline};
use crate::pipeline::size::{Name, Size};

/// What `B` is when bytes are counted.
const BATCH: usize = 3;

type Build = fn(&mut Graph, &[Value]) -> Result<Value>;

/// A row, its inputs, a body that uses it, and the same by hand.
struct Example(&'static str, &'static str, &'static str, Build);

/// A linear layer before the row, so that the backward pass goes through it.
const IMAGE: &str = "x: F32<B, 4, 9, 8>";

fn hidden(graph: &mut Graph, x: Value, out: usize) -> Result<Value> {
    graph.linear("h", x, out)
}

#[allow(clippy::too_many_lines)] // it is a table
fn examples() -> Vec<Example> {
    let rows = "x: F32<B, 5, 6>";
    let mut examples = vec![
        Example("linear", rows, "linear(x, out = 4 * 2)", |g, x| g.linear("l", x[0], 8)),
        Example("linear", rows, "linear(x, out = 4, bias = false)", |g, x| {
            expansion::linear(g, "l", x[0], 4, false)
        }),
        Example("embedding", "x: I32<B, 5>", "embedding(x, rows = 7, dim = 4)", |g, x| {
            g.embedding("e", x[0], 7, 4, 0.02)
        }),
        Example("embedding_bag", "x: I64<B, 5>", "embedding_bag(x, rows = 7, dim = 4)", |g, x| {
            g.embedding_bag("e", x[0], 7, 4, 0.02)
        }),
        Example(
            "embedding_bags",
            "x: [I32<B, 2>; 3]",
            "embedding_bags(x, rows = [7, 8, 9], dim = 4)",
            |g, x| expansion::embedding_bags(g, "e", x, &[7, 8, 9], 4, 0.02),
        ),
        Example("parameter", rows, "matmul(x, parameter(shape = [B, 6, 3]))", |g, x| {
            let shape = [Dim::named("B"), 6.into(), 3.into()];
            let w = g.parameter("w", TensorType::new(DType::F32, shape), Init::Normal(0.02))?;
            g.matmul(x[0], w)
        }),
        Example("layer_norm", rows, "layer_norm(x)", |g, x| g.layer_norm("n", x[0])),
        Example("rms_norm", rows, "rms_norm(x)", |g, x| g.rms_norm("n", x[0])),
        Example("batch_norm", IMAGE, "batch_norm(x)", |g, x| g.batch_norm("n", x[0], true)),
        Example("attention", "x: F32<B, 5, 6>, m: Bool<B, 5>", "attention(x, m, heads = 2)", |g, x| {
            let how = Heads { heads: 2, causal: false, mask: Some(x[1]) };
            g.self_attention("a", x[0], how)
        }),
        Example("attention", rows, "attention(x, heads = 3, causal = true)", |g, x| {
            g.self_attention("a", x[0], Heads { heads: 3, causal: true, mask: None })
        }),
        Example(
            "attend",
            "x: F32<B, 5, 6>, y: F32<B, 4, 6>, m: Bool<B, 4>",
            "{ let q = linear(x, out = 6); let k = linear(y, out = 6); let v = linear(y, out = 6); attend(q, k, v, m, heads = 2) }",
            |g, x| {
                let (q, k, v) = (g.linear("q", x[0], 6)?, g.linear("k", x[1], 6)?, g.linear("v", x[1], 6)?);
                g.attention(q, k, v, Heads { heads: 2, causal: false, mask: Some(x[2]) })
            },
        ),
        Example("rotary", "x: F32<B, 5, 8>", "rotary(linear(x, out = 8), heads = 2)", |g, x| {
            let h = hidden(g, x[0], 8)?;
            g.rotary(h, 2)
        }),
        Example("conv2d", IMAGE, "conv2d(x, filters = 6, size = 3, stride = 2, padding = 1)", |g, x| {
            g.conv2d("c", x[0], 6, Window::square(3, 2, 1))
        }),
        Example("max_pool", IMAGE, "max_pool(linear(x, out = 8), size = 2, stride = 2)", |g, x| {
            let h = hidden(g, x[0], 8)?;
            g.max_pool(h, Window::square(2, 2, 0))
        }),
        Example("average_pool", IMAGE, "average_pool(linear(x, out = 8), size = 3)", |g, x| {
            let h = hidden(g, x[0], 8)?;
            g.average_pool(h, Window::square(3, 1, 0))
        }),
        Example("dropout", rows, "dropout(linear(x, out = 4), probability = 0.1)", |g, x| {
            let h = hidden(g, x[0], 4)?;
            g.dropout(h, 0.1, 0)
        }),
        Example("transpose", rows, "transpose(linear(x, out = 4))", |g, x| {
            let h = hidden(g, x[0], 4)?;
            g.transpose(h)
        }),
        Example("flatten", rows, "square(flatten(linear(x, out = 4)))", |g, x| {
            let h = hidden(g, x[0], 4)?;
            let h = g.flatten(h)?;
            g.square(h)
        }),
        Example("lower_triangle", rows, "lower_triangle(linear(x, out = 5))", |g, x| {
            let h = hidden(g, x[0], 5)?;
            g.lower_triangle(h)
        }),
        Example("matmul", rows, "{ let h = linear(x, out = 4); matmul(transpose(h), h) }", |g, x| {
            let h = hidden(g, x[0], 4)?;
            let t = g.transpose(h)?;
            g.matmul(t, h)
        }),
        Example("sum", rows, "sum(linear(x, out = 4), axes = [0, 2])", |g, x| {
            let h = hidden(g, x[0], 4)?;
            g.sum(h, &[0, 2])
        }),
        Example("mean", rows, "mean(linear(x, out = 4), axes = [1])", |g, x| {
            let h = hidden(g, x[0], 4)?;
            g.mean(h, &[1])
        }),
        Example("reshape", rows, "exp(reshape(x, shape = [B * 5, 2, 3]))", |g, x| {
            let y = g.reshape(x[0], [Dim::named("B") * 5.into(), 2.into(), 3.into()])?;
            g.exp(y)
        }),
        Example("permute", rows, "permute(linear(x, out = 4), axes = [2, 0, 1])", |g, x| {
            let h = hidden(g, x[0], 4)?;
            g.permute(h, &[2, 0, 1])
        }),
        Example("concat", rows, "concat(x, linear(x, out = 4), axis = 2)", |g, x| {
            let h = hidden(g, x[0], 4)?;
            g.concat(&[x[0], h], 2)
        }),
        Example("stack", rows, "stack(x, linear(x, out = 6), axis = 3)", |g, x| {
            let h = hidden(g, x[0], 6)?;
            g.stack(&[x[0], h], 3)
        }),
        Example("slice", rows, "slice(linear(x, out = 4), axis = 1, range = 1..4)", |g, x| {
            let h = hidden(g, x[0], 4)?;
            g.slice(h, 1, 1..4)
        }),
        Example("at", rows, "linear(x, out = 4).at(axis = 1, index = 4)", |g, x| {
            let h = hidden(g, x[0], 4)?;
            g.at(h, 1, 4)
        }),
        Example("cast", rows, "cast(x, to = Bf16)", |g, x| g.cast(x[0], DType::BF16)),
        Example("arange", rows, "arange(7 * B)", |g, _| g.arange(Dim::named("B") * 7.into())),
        Example("one_hot", "x: I32<B, 5>", "one_hot(x, classes = 9)", |g, x| g.one_hot(x[0], 9)),
        Example("gather", "x: F32<V, 6>, i: I32<B, 2>", "gather(i, linear(x, out = 4))", |g, x| {
            let h = hidden(g, x[0], 4)?;
            g.gather(x[1], h)
        }),
        Example(
            "aggregate",
            "x: F32<V, 6>, hop: Hop<V, B, E>",
            "aggregate(linear(x, out = 4), hop)",
            |g, x| {
                let h = hidden(g, x[0], 4)?;
                let rows = g.gather(x[1], h)?;
                g.scatter_add(x[2], rows, "B")
            },
        ),
        Example(
            "cross_entropy",
            "x: F32<B, 6>, t: I32<B>",
            "cross_entropy(linear(x, out = 4), t)",
            |g, x| {
                let h = hidden(g, x[0], 4)?;
                g.cross_entropy(h, x[1])
            },
        ),
        Example(
            "linear_cross_entropy",
            "x: F32<B, 6>, t: I32<B>",
            "linear_cross_entropy(linear(x, out = 4), parameter(shape = [9, 4]), t)",
            |g, x| {
                let h = hidden(g, x[0], 4)?;
                let w = g.parameter("w", TensorType::new(DType::F32, [9, 4]), Init::Normal(0.02))?;
                g.linear_cross_entropy(h, w, x[1])
            },
        ),
        Example(
            "mean_squared_error",
            "x: F32<B, 6>, t: F32<B, 4>",
            "mean_squared_error(linear(x, out = 4), t)",
            |g, x| {
                let h = hidden(g, x[0], 4)?;
                g.mean_squared_error(h, x[1])
            },
        ),
        Example(
            "binary_cross_entropy",
            "x: F32<B, 6>, t: F32<B, 4>",
            "binary_cross_entropy(linear(x, out = 4), t)",
            |g, x| {
                let h = hidden(g, x[0], 4)?;
                g.binary_cross_entropy(h, x[1])
            },
        ),
        // arithmetic is no row, but has rules too
        Example("", rows, "{ let h = linear(x, out = 6); h * x + 2.0 * h - 1 }", |g, x| {
            let h = hidden(g, x[0], 6)?;
            let product = g.multiply(h, x[0])?;
            let twice = g.affine(h, 2.0, 0.0)?;
            let sum = g.add(product, twice)?;
            g.affine(sum, 1.0, -1.0)
        }),
        Example(
            "",
            "x: F32<B, 5, 6>, y: F32<5, 1>",
            "{ let h = linear(x, out = 6); h / linear(y, out = 6) }",
            |g, x| {
                let (h, y) = (g.linear("h", x[0], 6)?, g.linear("y", x[1], 6)?);
                g.divide(h, y)
            },
        ),
    ];
    macro_rules! functions {
        ($($name:ident),*) => {$(
            examples.push(Example(
                stringify!($name),
                rows,
                concat!(stringify!($name), "(linear(x, out = 4))"),
                |g, x| {
                    let h = hidden(g, x[0], 4)?;
                    g.$name(h)
                },
            ));
        )*};
    }
    functions!(relu, gelu, gelu_tanh, silu, sigmoid, tanh, exp, log, sqrt, square, abs, softmax);
    examples
}

fn dim(size: &Size) -> Dim {
    match size.value() {
        Some(value) => Dim::from(usize::try_from(value).expect("a size")),
        None => Dim::named(&size.to_string()),
    }
}

/// The inputs of a pipeline as those of a graph.
fn inputs(pipeline: &Pipeline, graph: &mut Graph) -> Vec<Value> {
    let names = crate::pipeline::check::names(pipeline);
    let mut values = Vec::new();
    for input in &pipeline.inputs {
        let mut add = |k: usize, dtype: crate::pipeline::model::DType, sizes: &[syn::Expr]| {
            let dtype = match dtype.name() {
                "F32" => DType::F32,
                "I32" => DType::I32,
                "I64" => DType::I64,
                "Bool" => DType::Bool,
                other => panic!("{other} is in no example"),
            };
            let ty = TensorType::new(dtype, sizes.iter().map(|size| dim(&names.size(size))));
            values.push(graph.input(&format!("{}.{k}", input.name), ty).expect("an input"));
        };
        match &input.kind {
            Kind::Tensor(declared) => add(0, declared.dtype, &declared.sizes),
            Kind::Tensors(declared, count) => {
                let count = names.size(count).value().expect("a number");
                (0..count).for_each(|k| add(k as usize, declared.dtype, &declared.sizes));
            }
            Kind::Hop([_, _, edges]) => {
                let ids = crate::pipeline::model::DType::I32;
                (0..2).for_each(|k| add(k, ids, std::slice::from_ref(edges)));
            }
            Kind::Plain | Kind::Broken => panic!("examples have tensors"),
        }
    }
    values
}

#[test]
fn rows_say_what_the_runtime_does() {
    let known: BTreeSet<_> = LAYERS.iter().map(|row| row.name).collect();
    let mut tried = BTreeSet::from([""]);
    let sizes = ["B", "V", "E"].into_iter().zip([BATCH, 11, 13]);
    let run = sizes.clone().fold(Sizes::new(), |run, (name, size)| run.with(name, size));
    let numbers: BTreeMap<_, _> =
        sizes.map(|(name, size)| (Name::RunTime(name.into()), Size::number(size as i128))).collect();
    for Example(row, signature, body, build) in examples() {
        tried.insert(row);
        let source = format!("fn example({signature}) -> F32 {{ {body} }}");
        let mut diagnostics = Diagnostics::default();
        let pipelines = crate::pipeline::parse::parse(source.parse().expect("tokens"), &mut diagnostics);
        assert_eq!(diagnostics.messages(), Vec::<String>::new(), "{source}");
        let library = Library::new(&pipelines);
        let checked = library.check(0);
        let Some(Held::Tensor(found)) = checked.results.first() else {
            panic!("{source}: {:?}", checked.diagnostics.messages());
        };

        let mut graph = Graph::new();
        let values = inputs(&pipelines[0], &mut graph);
        let value = build(&mut graph, &values).unwrap_or_else(|error| panic!("{source}: {error}"));
        let wanted = graph.ty(value).to_string();
        let text =
            found.to_string().replace("{ ", "").replace(" }", "").replace(" * ", "*").replace("Bf16", "BF16");
        assert_eq!(text.trim_end_matches("<>"), wanted.trim_end_matches("<>"), "{source}");
        if graph.ty(value).dtype == DType::F32 {
            graph.output("y", value).expect("an output");
            let needs = graph.needs(&run).unwrap_or_else(|error| panic!("{source}: {error}"))[0];
            let bytes = |size: &Size| size.substituted(&numbers).value().map(|value| value as u64);
            assert_eq!(bytes(&checked.memory.parameters), Some(needs.parameters), "{source}: parameters");
            assert_eq!(bytes(&checked.memory.kept_bytes()), Some(needs.kept), "{source}: kept");
        }
    }
    tried.remove("");
    assert_eq!(tried, known, "each row has an example");
}

const GPT: &str = "
    fn gpt(ids: I32<B, 6>, targets: I32<B, 6>) -> F32 {
        #[stage]
        let x = {
            let token = embedding(ids, rows = 11, dim = 8);
            let place = embedding(arange(6), rows = 6, dim = 8);
            token + place
        };
        #[stage(repeat = 3)]
        let x = block(x);
        #[stage]
        let loss = linear_cross_entropy(layer_norm(x), parameter(shape = [11, 8]), targets);
        loss
    }

    fn block<const S: usize, const H: usize>(x: F32<B, S, H>) -> F32<B, S, H> {
        let a = x + attention(layer_norm(x), heads = 2, causal = true);
        a + linear(gelu_tanh(linear(layer_norm(a), out = 4 * H)), out = H)
    }
";

/// What is counted of a whole model by its stages, helper pipelines included, is what the runtime counts of the same model.
#[test]
fn stages_need_what_the_graph_reads() {
    let mut diagnostics = Diagnostics::default();
    let pipelines = crate::pipeline::parse::parse(GPT.parse().expect("tokens"), &mut diagnostics);
    let checked = Library::new(&pipelines).check(0);
    assert_eq!(checked.diagnostics.messages(), Vec::<String>::new());
    let by = BTreeMap::from([(Name::RunTime("B".into()), Size::number(BATCH as i128))]);
    let number = |size: &Size| size.substituted(&by).value().expect("a number") as u64;
    let found: Vec<_> = checked
        .stages
        .iter()
        .flat_map(|stage| {
            let one = (number(&stage.memory.parameters), number(&stage.memory.kept_bytes()));
            vec![one; number(&stage.repeat) as usize]
        })
        .collect();
    let gpt = ketline_model::models::Transformer {
        vocabulary: 11,
        length: 6,
        width: 8,
        heads: 2,
        layers: 3,
        dropout: 0.0,
        seed: 0,
    };
    let graph = gpt.gpt(false).expect("a graph");
    let needs = graph.needs(&Sizes::new().with("B", BATCH)).expect("needs");
    let wanted: Vec<_> = needs.iter().map(|needs| (needs.parameters, needs.kept)).collect();
    assert_eq!(found, wanted);
}
