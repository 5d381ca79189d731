//! Programs of `pipeline!`: what they build is what the builder builds, and trains alike.

use ketline::model::layers::Heads;
use ketline::model::models::Transformer;
use ketline::model::ndarray::Array2;
use ketline::model::train::{Optimiser, Trainer, TrainerOptions};
use ketline::model::{DType, Dim, Error, Graph, Plan, PlanOptions, Result, Sizes, TensorType};
use ketline::prelude::*;

pipeline!(
    /// GPT, sizes read when it is built.
    pub fn gpt(
        ids: I32<B, length>,
        targets: I32<B, length>,
        length: usize,
        vocabulary: usize,
        width: usize,
        heads: usize,
        layers: usize,
    ) -> F32 {
        #[stage(name = "embedding")]
        let x = {
            let token = embedding(ids, rows = vocabulary, dim = width);
            let place = embedding(arange(length), rows = length, dim = width);
            token + place
        };
        #[stage(repeat = layers)]
        let x = block(x, heads);
        #[stage(name = "head")]
        let loss = {
            let norm = layer_norm(x);
            let head = parameter(shape = [vocabulary, width], name = "head.weight");
            linear_cross_entropy(norm, head, targets)
        };
        loss
    }

    fn block<const S: usize, const H: usize>(x: F32<B, S, H>, heads: usize) -> F32<B, S, H> {
        let norm1 = layer_norm(x);
        let a = x + attention(norm1, heads = heads, causal = true);
        let norm2 = layer_norm(a);
        let up = linear(norm2, out = 4 * H);
        let down = linear(gelu_tanh(up), out = H);
        a + down
    }
);

pipeline!(
    /// The classifier of the language's description, with its loss.
    pub fn bert<const S: usize, const H: usize>(
        ids: I32<B, S>,
        mask: Bool<B, S>,
        labels: I32<B>,
    ) -> (F32<B, 2>, F32) {
        #[stage]
        let x = {
            let token = embedding(ids, rows = 50, dim = H);
            let place = embedding(arange(S), rows = 64, dim = H);
            layer_norm(token + place)
        };
        #[stage(repeat = 2)]
        let x = encoder(x, mask);
        #[stage]
        let logits = linear(x.at(axis = 1, index = 0), out = 2);
        #[stage]
        let loss = cross_entropy(logits, labels);
        (logits, loss)
    }

    fn encoder<const S: usize, const H: usize>(x: F32<B, S, H>, mask: Bool<B, S>) -> F32<B, S, H> {
        let a = x + attention(layer_norm(x), mask, heads = 4);
        a + linear(gelu(linear(layer_norm(a), out = 4 * H)), out = H)
    }
);

/// The same by hand.
fn bert_by_hand(length: usize, width: usize) -> Result<Graph> {
    let mut graph = Graph::new();
    let shape = [Dim::named("B"), length.into()];
    let ids = graph.input("ids", TensorType::new(DType::I32, shape.clone()))?;
    let mask = graph.input("mask", TensorType::new(DType::Bool, shape))?;
    let labels = graph.input("labels", TensorType::new(DType::I32, ["B"]))?;
    graph.stage("x");
    let token = graph.embedding("token", ids, 50, width, 0.02)?;
    let places = graph.arange(length)?;
    let place = graph.embedding("place", places, 64, width, 0.02)?;
    let x = graph.add(token, place)?;
    let mut x = graph.layer_norm("layer_norm", x)?;
    for k in 0..2 {
        graph.stage(format!("encoder.{k}"));
        x = graph.scope(format!("encoder.{k}"), |graph| {
            let h = graph.layer_norm("layer_norm", x)?;
            let how = Heads { heads: 4, causal: false, mask: Some(mask) };
            let h = graph.self_attention("attention", h, how)?;
            let a = graph.add(x, h)?;
            let h = graph.layer_norm("layer_norm_1", a)?;
            let h = graph.linear("linear", h, 4 * width)?;
            let h = graph.gelu(h)?;
            let h = graph.linear("linear_1", h, width)?;
            graph.add(a, h)
        })?;
    }
    graph.stage("logits");
    let first = graph.at(x, 1, 0)?;
    let logits = graph.linear("logits", first, 2)?;
    graph.stage("loss");
    let loss = graph.cross_entropy(logits, labels)?;
    graph.output("logits", logits)?;
    graph.output("loss", loss)?;
    Ok(graph)
}

/// Losses of some steps, and the parameters after them.
fn train(graph: Graph, batch: usize, give: impl Fn(&mut Trainer, i32)) -> (Vec<f64>, String) {
    let options = TrainerOptions {
        optimiser: Optimiser::adamw(1e-2),
        threads: 2,
        seed: 3,
        ..TrainerOptions::default()
    };
    let mut trainer = Trainer::new(graph, &Sizes::new().with("B", batch), options).expect("a trainer");
    let losses = (0..12)
        .map(|step| {
            give(&mut trainer, step);
            trainer.step().expect("a step").expect("an update").loss
        })
        .collect();
    (losses, format!("{:?}", trainer.run().weights()))
}

fn numbers(count: i32, below: i32, step: i32) -> Vec<i32> {
    (0..count).map(|k| (k * 7 + step * 13) % below).collect()
}

#[test]
fn a_declared_gpt_is_the_one_that_is_built() {
    let give = |trainer: &mut Trainer, step| {
        trainer.run_mut().set("ids", &numbers(4 * 16, 31, step)).expect("ids");
        trainer.run_mut().set("targets", &numbers(4 * 16, 31, step + 1)).expect("targets");
    };
    let sizes =
        Transformer { vocabulary: 31, length: 16, width: 24, heads: 3, layers: 2, ..Transformer::default() };
    let built = sizes.gpt(false).expect("a graph");
    let declared = gpt(16, 31, 24, 3, 2).expect("a graph");
    assert_eq!(declared.stages(), built.stages());
    assert_eq!(declared.to_string(), built.to_string());
    let (a, b) = (train(declared, 4, give), train(built, 4, give));
    assert!(a.0[11] < 0.9 * a.0[0], "{:?}", a.0);
    assert!(a == b, "{:?} {:?}", a.0, b.0);
}

#[test]
fn a_declared_bert_is_the_one_that_is_built() {
    let give = |trainer: &mut Trainer, step| {
        let ids = Array2::from_shape_vec((3, 8), numbers(3 * 8, 50, step)).expect("ids");
        let mask = Array2::from_shape_fn((3, 8), |(_, k)| u8::from(k < 6));
        let labels = ketline::model::ndarray::Array1::from(numbers(3, 2, step));
        let inputs = BertInputs { ids: ids.view(), mask: mask.view(), labels: labels.view() };
        inputs.give(trainer.run_mut()).expect("arrays of the plan's shape");
    };
    let (declared, built) = (bert::<8, 16>().expect("a graph"), bert_by_hand(8, 16).expect("a graph"));
    assert_eq!(declared.stages(), built.stages());
    assert_eq!(declared.to_string(), built.to_string());
    assert!(train(declared, 3, give) == train(built, 3, give));
}

mod library {
    use ketline::prelude::*;

    pipeline!(
        pub(crate) fn rows<const H: usize, const K: usize>(x: F32<B, H>, y: F32<B, H>) -> F32<B, K> {
            let out = linear(x * y, out = K);
            out
        }
    );
}

pipeline!(
    fn across(x: F32<B, 4>, y: F32<C, 4>) -> F32<B, 3> {
        library::rows::<_, 3>(x, y)
    }

    fn not_given(x: F32<B, 4>) -> F32<B, 3> {
        library::rows(x, x)
    }

    fn not_a_number(x: F32<B, S>, y: F32<B, S>) -> F32<B, 3> {
        library::rows::<_, 3>(x, y)
    }

    fn fine(x: F32<B, 4>, y: F32<B, 4>) -> F32<B, 3> {
        library::rows::<_, 3>(x, y)
    }

    fn other_output(x: F32<B, 4>) -> F32<B, 5> {
        library::rows::<_, 3>(x, x)
    }

    fn odd_heads(x: F32<B, 6, width>, width: usize) -> F32<B, 6, width> {
        attention(x, heads = 4)
    }
);

/// Pipelines of other macro calls are known when the model is built.
#[test]
fn what_the_macro_does_not_see_is_an_error_when_the_model_is_built() {
    let text = |graph: Result<Graph>| graph.map(|_| ()).unwrap_err().to_string();
    assert_eq!(text(across()), "`y of rows` is F32<C, 4>, expected F32<B, 4>");
    assert_eq!(text(not_given()), "size `K of rows` has no value; given are: B, H");
    assert!(matches!(not_a_number(), Err(Error::Shape { operator: "rows", .. })));
    assert_eq!(text(other_output()), "`the result of other_output` is F32<B, 3>, expected F32<B, 5>");
    assert!(matches!(odd_heads(30), Err(Error::Shape { operator: "attention", .. })));
    assert!(odd_heads(32).is_ok());
    let graph = fine().expect("a graph");
    assert_eq!(graph.find("rows.out.weight").map(|w| graph.ty(w).to_string()), Ok("F32<3, 4>".into()));
}

pipeline!(
    /// Features in bags, products of them, and edges.
    fn sums(bags: [I32<B, 2>; 2], h: F32<V, 3>, hop: Hop<V, B, E>) -> (F32<B, 2, 3>, F32<B, 3>) {
        let tables = scope(bags);
        let near = aggregate(2.0 * h - 1, hop);
        (tables, near)
    }

    // graphs have a method of this name
    fn scope<const N: usize>(bags: [I32<B, 2>; N]) -> F32<B, N, 3> {
        let table = embedding_bags(bags, rows = ROWS, dim = 3, deviation = 1.0);
        table
    }
);

const ROWS: [usize; 2] = [4, 5];

#[test]
fn bags_and_hops_sum_what_they_name() -> Result<()> {
    let sizes = Sizes::new().with("B", 2).with("V", 3).with("E", 4);
    let mut run = Plan::new(&sums()?, &sizes, &PlanOptions::default())?.start(1)?;
    run.set("tables.table.0.weight", &(0..12).map(|k| k as f32).collect::<Vec<_>>())?;
    run.set("tables.table.1.weight", &(0..15).map(|k| 100.0 + k as f32).collect::<Vec<_>>())?;
    run.set("bags.0", &[0_i32, 1, 3, 3])?;
    run.set("bags.1", &[0_i32, 0, 4, 0])?;
    run.set("h", &[1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0])?;
    run.set("hop.from", &[0_i32, 1, 2, 2])?;
    run.set("hop.to", &[0_i32, 0, 1, 1])?;
    run.step()?;
    let sums = [3.0_f32, 5.0, 7.0, 200.0, 202.0, 204.0, 18.0, 20.0, 22.0, 212.0, 214.0, 216.0];
    assert_eq!(run.output::<f32>("tables")?, sums);
    assert_eq!(run.output::<f32>("near")?, [8.0_f32, 12.0, 16.0, 26.0, 30.0, 34.0]);
    Ok(())
}

pipeline!(
    /// A promise about what is read when the model is built.
    #[fits(devices = devices, memory = 1MiB, batch = batch, microbatches = 4)]
    fn promised(x: F32<B, width>, width: usize, devices: usize, batch: usize) -> F32<B, width> {
        #[stage(repeat = 3)]
        let x = relu(linear(x, out = width));
        x
    }

    /// The same, by generics.
    #[fits(devices = 3, memory = 1MiB, batch = BATCH)]
    fn promised_generic<const H: usize, const BATCH: usize>(x: F32<B, H>) -> F32<B, H> {
        #[stage(repeat = 3)]
        let x = relu(linear(x, out = H));
        x
    }
);

/// Mistake 74 of the table, and stages that do not fit, where only the running program knows the sizes.
#[test]
fn promises_about_the_running_program_are_errors_when_the_model_is_built() {
    let text = |graph: Result<Graph>| graph.map(|_| ()).unwrap_err().to_string();
    assert!(promised(64, 3, 8).is_ok() && promised_generic::<64, 9>().is_ok());
    assert_eq!(text(promised(64, 3, 10)), "`fits` batch: found 10, expected a multiple of 4 micro-batches");
    assert_eq!(text(promised(64, 4, 8)), "number of devices is 4, expected 1 to that of stages");
    // 4 copies of 512 * 512 + 512 numbers of 4 bytes; of one micro-batch in flight 2 rows of x, and 2 of what relu gave
    let needed = 16 * 512 * 513 + 2 * 2 * 4 * 512;
    let wanted =
        format!("stage `relu.0` does not fit: device 3 of 3 would hold {needed} bytes, and it has 1048576");
    assert_eq!(text(promised(512, 3, 8)), wanted);
}
