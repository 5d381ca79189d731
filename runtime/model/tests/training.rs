//! Training from outside: rules against their definitions, threads, memory, checkpoints, bad input.

#![allow(clippy::cast_possible_wrap)] // small numbers

use std::path::PathBuf;

use ketline_model::layers::Heads;
use ketline_model::train::{Archive, Optimiser, Schedule, Trainer, TrainerOptions};
use ketline_model::{DType, Dim, Error, Graph, Plan, PlanOptions, Result, Sizes, TensorType};

/// A small GPT: token and position tables, blocks of attention and a wide layer, tied to nothing.
fn gpt(vocabulary: usize, length: usize, width: usize, layers: usize, dropout: f64) -> Result<Graph> {
    let mut graph = Graph::new();
    let shape = [Dim::named("B"), length.into()];
    let ids = graph.input("ids", TensorType::new(DType::I32, shape.clone()))?;
    let targets = graph.input("targets", TensorType::new(DType::I32, shape))?;
    let token = graph.embedding("token", ids, vocabulary, width, 0.02)?;
    let places = graph.arange(length)?;
    let place = graph.embedding("place", places, length, width, 0.02)?;
    let mut x = graph.add(token, place)?;
    for layer in 0..layers {
        x = graph.scope(format!("block.{layer}"), |graph| {
            let a = graph.layer_norm("norm1", x)?;
            let a = graph.self_attention("attention", a, Heads { heads: 2, causal: true, mask: None })?;
            let a = graph.dropout(a, dropout, 3)?;
            let x = graph.add(x, a)?;
            let h = graph.layer_norm("norm2", x)?;
            let h = graph.linear("up", h, 4 * width)?;
            let h = graph.gelu_tanh(h)?;
            let h = graph.linear("down", h, width)?;
            graph.add(x, h)
        })?;
    }
    let x = graph.layer_norm("norm", x)?;
    let logits = graph.linear("head", x, vocabulary)?;
    let loss = graph.cross_entropy(logits, targets)?;
    graph.output("loss", loss)?;
    Ok(graph)
}

fn batch(trainer: &mut Trainer, k: u64) {
    let n = 4 * 16;
    let ids: Vec<i32> = (0..n).map(|i| ((i * 7 + k as i32 * 13) % 31 * 5) % 32).collect();
    let targets: Vec<i32> = ids.iter().map(|id| (id * 3 + 1) % 32).collect();
    trainer.run_mut().set("ids", &ids).unwrap();
    trainer.run_mut().set("targets", &targets).unwrap();
}

fn trainer(threads: usize, options: TrainerOptions) -> Trainer {
    let graph = gpt(32, 16, 16, 2, 0.1).unwrap();
    Trainer::new(graph, &Sizes::new().with("B", 4), TrainerOptions { threads, seed: 5, ..options }).unwrap()
}

fn losses(trainer: &mut Trainer, from: u64, steps: u64) -> Vec<f64> {
    (from..from + steps)
        .map(|k| {
            batch(trainer, k);
            trainer.step().unwrap().unwrap().loss
        })
        .collect()
}

fn file(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("ketline-model-{}-{name}", std::process::id()))
}

#[test]
fn a_gpt_learns_and_threads_do_not_change_a_bit() {
    let options = TrainerOptions {
        optimiser: Optimiser::adamw(1e-2),
        schedule: Schedule::Cosine { warmup: 5, steps: 150, floor: 0.1 },
        clip: Some(1.0),
        ..TrainerOptions::default()
    };
    let runs = [1, 2, 3].map(|threads| {
        let mut trainer = trainer(threads, options.clone());
        let losses = losses(&mut trainer, 0, 150);
        (losses, trainer.run().weights())
    });
    assert!(runs[0] == runs[1] && runs[0] == runs[2]);
    let (first, last) = (runs[0].0[0], runs[0].0[149]);
    assert!((first - 32_f64.ln()).abs() < 0.3 && last < 0.5 * first, "{first} {last}");
}

/// Activations in half the bytes: a smaller arena, nearly the same training.
#[test]
fn storage_in_bf16_saves_memory() {
    let runs = [DType::F32, DType::BF16].map(|storage| {
        let graph = gpt(32, 16, 16, 2, 0.0).unwrap();
        let options = TrainerOptions {
            storage,
            threads: 2,
            optimiser: Optimiser::adamw(3e-3),
            ..TrainerOptions::default()
        };
        let mut trainer = Trainer::new(graph, &Sizes::new().with("B", 64), options).unwrap();
        let ids: Vec<i32> = (0..64 * 16).map(|i| (i * 7) % 31).collect();
        let targets: Vec<i32> = ids.iter().map(|id| (id * 3 + 1) % 32).collect();
        trainer.run_mut().set("ids", &ids).unwrap();
        trainer.run_mut().set("targets", &targets).unwrap();
        let losses: Vec<_> = (0..40).map(|_| trainer.step().unwrap().unwrap().loss).collect();
        (trainer.run().plan().bytes(), losses)
    });
    assert!((runs[1].0 as f64) < 0.8 * runs[0].0 as f64, "{} {}", runs[1].0, runs[0].0);
    let (whole, half) = (&runs[0].1, &runs[1].1);
    assert!((whole[0] - half[0]).abs() < 1e-6);
    assert!(half[39] < 0.5 * half[0] && (whole[39] - half[39]).abs() < 0.1 * whole[0], "{whole:?} {half:?}");
    let graph = gpt(32, 16, 16, 1, 0.0).unwrap();
    let options = TrainerOptions { storage: DType::I32, ..TrainerOptions::default() };
    assert!(Trainer::new(graph, &Sizes::new().with("B", 1), options).is_err());
}

#[test]
fn accumulated_batches_are_one_large_batch() {
    let graph = || gpt(32, 16, 16, 1, 0.0).unwrap();
    let options =
        TrainerOptions { optimiser: Optimiser::momentum(0.1, 0.9), threads: 1, ..TrainerOptions::default() };
    let mut whole = Trainer::new(graph(), &Sizes::new().with("B", 4), options.clone()).unwrap();
    let parts = TrainerOptions { accumulate: 2, ..options };
    let mut parts = Trainer::new(graph(), &Sizes::new().with("B", 2), parts).unwrap();
    for k in 0..5 {
        batch(&mut whole, k);
        let one = whole.step().unwrap().unwrap();
        let ids =
            whole.run().values::<i32>(whole.run().plan().graph().find("ids").unwrap()).unwrap().to_vec();
        let targets =
            whole.run().values::<i32>(whole.run().plan().graph().find("targets").unwrap()).unwrap().to_vec();
        for half in 0..2 {
            parts.run_mut().set("ids", &ids[half * 32..(half + 1) * 32]).unwrap();
            parts.run_mut().set("targets", &targets[half * 32..(half + 1) * 32]).unwrap();
            let record = parts.step().unwrap();
            assert_eq!(record.is_some(), half == 1);
            assert!(half == 1 || parts.save(file("half"), &[]).is_err());
            if let Some(two) = record {
                assert!((one.loss - two.loss).abs() < 1e-5, "{} {}", one.loss, two.loss);
            }
        }
    }
}

/// One parameter under each rule, against the rule written out in double precision.
#[test]
fn rules_are_their_definitions() {
    let rules = [
        Optimiser::sgd(0.1),
        Optimiser::Sgd { rate: 0.1, momentum: 0.9, nesterov: true, weight_decay: 0.1 },
        Optimiser::momentum(0.1, 0.5),
        Optimiser::adam(0.1),
        Optimiser::adamw(0.1),
        Optimiser::Adam { rate: 0.1, beta1: 0.8, beta2: 0.9, eps: 1e-3, weight_decay: 0.1, decoupled: false },
    ];
    for rule in rules {
        let mut graph = Graph::new();
        let ty = TensorType::new(DType::F64, [3]);
        let p = graph.parameter("p", ty.clone(), ketline_model::Init::Uniform(1.0)).unwrap();
        let target = graph.input("t", ty).unwrap();
        let loss = graph.mean_squared_error(p, target).unwrap();
        graph.output("loss", loss).unwrap();
        let options = TrainerOptions { optimiser: rule, threads: 1, ..TrainerOptions::default() };
        let mut trainer = Trainer::new(graph, &Sizes::new(), options).unwrap();
        let targets = [0.5, -1.0, 2.0];
        trainer.run_mut().set("t", &targets).unwrap();
        let mut x = trainer.run().values::<f64>(p).unwrap().to_vec();
        let (mut m, mut v) = ([0.0; 3], [0.0; 3]);
        for step in 1..=10 {
            for k in 0..3 {
                let g = 2.0 * (x[k] - targets[k]) / 3.0;
                match rule {
                    Optimiser::Sgd { rate, momentum, nesterov, weight_decay } => {
                        let g = g + weight_decay * x[k];
                        m[k] = momentum * m[k] + g;
                        x[k] -= rate * if nesterov { g + momentum * m[k] } else { m[k] };
                    }
                    Optimiser::Adam { rate, beta1, beta2, eps, weight_decay, decoupled } => {
                        let g = if decoupled { g } else { g + weight_decay * x[k] };
                        m[k] = beta1 * m[k] + (1.0 - beta1) * g;
                        v[k] = beta2 * v[k] + (1.0 - beta2) * g * g;
                        let (m, v) = (m[k] / (1.0 - beta1.powi(step)), v[k] / (1.0 - beta2.powi(step)));
                        let decay = if decoupled { rate * weight_decay * x[k] } else { 0.0 };
                        x[k] -= decay + rate * m / (v.sqrt() + eps);
                    }
                    _ => unreachable!(),
                }
            }
            trainer.step().unwrap();
            let found = trainer.run().values::<f64>(p).unwrap();
            assert!(found.iter().zip(&x).all(|(a, b)| (a - b).abs() < 1e-12), "{rule:?}: {found:?} {x:?}");
        }
    }
}

/// A table whose gradient comes by rows ends where a dense one does, rows named twice included.
#[test]
fn rows_are_as_dense_gradients() {
    for (rule, exact) in [(Optimiser::sgd(0.5), true), (Optimiser::adam(0.05), false)] {
        let tables = [false, true].map(|sparse| {
            let mut graph = Graph::new();
            let ids = graph.input("ids", TensorType::new(DType::I64, [5, 2])).unwrap();
            let targets = graph.input("t", TensorType::new(DType::F32, [5, 3])).unwrap();
            let y = graph.embedding_bag("table", ids, 6, 3, 1.0).unwrap();
            let loss = graph.mean_squared_error(y, targets).unwrap();
            graph.output("loss", loss).unwrap();
            let sparse = if sparse { vec!["table.weight".into()] } else { Vec::new() };
            let options = TrainerOptions { optimiser: rule, sparse, threads: 2, ..TrainerOptions::default() };
            let mut trainer = Trainer::new(graph, &Sizes::new(), options).unwrap();
            trainer.run_mut().set("t", &[0.25_f32; 15]).unwrap();
            trainer.run_mut().set("ids", &[0_i64, 1, 2, 2, 5, 0, 4, 1, 3, 3]).unwrap();
            // every row is looked up in each step, so lazy Adam is Adam
            for _ in 0..30 {
                trainer.step().unwrap();
            }
            let table = trainer.run().plan().graph().find("table.weight").unwrap();
            trainer.run().values::<f32>(table).unwrap().to_vec()
        });
        let tolerance = if exact { 1e-6 } else { 1e-4 };
        assert!(tables[0].iter().zip(&tables[1]).all(|(a, b)| (a - b).abs() < tolerance), "{tables:?}");
    }
}

#[test]
fn a_resumed_training_goes_on_bit_for_bit() {
    let path = file("resume.safetensors");
    for rule in [Optimiser::adamw(1e-2), Optimiser::momentum(0.1, 0.9)] {
        let options = TrainerOptions { optimiser: rule, ..TrainerOptions::default() };
        let mut one = trainer(2, options.clone());
        losses(&mut one, 0, 4);
        one.save(&path, &[("place", "17".into())]).unwrap();
        let expected = losses(&mut one, 4, 4);
        let mut two = trainer(1, TrainerOptions { seed: 9, ..options });
        losses(&mut two, 30, 2);
        assert_eq!(two.resume(&path).unwrap(), [("place".to_owned(), "17".to_owned())]);
        assert_eq!(losses(&mut two, 4, 4), expected);
        assert_eq!(one.run().weights(), two.run().weights());
    }
    std::fs::remove_file(path).unwrap();
}

#[test]
fn files_that_do_not_fit_change_nothing() {
    let path = file("foreign.safetensors");
    let mut one = trainer(1, TrainerOptions::default());
    let weights = one.run().weights();
    one.run().save(&path).unwrap();
    let error = one.resume(&path).unwrap_err().to_string();
    assert!(error.ends_with("tensor `format`: found none, expected ketline training 1"), "{error}");
    let mut other = one.run().weights();
    other.tensors.get_mut("head.bias").unwrap().extent.dims = vec![2, 16];
    other.write(&path).unwrap();
    let error = one.run_mut().load(&path).unwrap_err().to_string();
    assert!(error.ends_with("tensor `head.bias`: found F32[2, 16], expected F32[32]"), "{error}");
    other.tensors.remove("head.bias");
    other.write(&path).unwrap();
    assert!(matches!(one.run_mut().load(&path), Err(Error::Checkpoint { .. })));
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    assert!(matches!(one.run_mut().load(&path), Err(Error::Format { .. })));
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(one.run_mut().load(&path), Err(Error::File { .. })));
    assert_eq!(one.run().weights(), weights);
    assert!(Archive::read(&std::env::temp_dir(), 10).unwrap_err().to_string().contains("not a regular file"));
}

#[test]
fn bad_input_is_an_error_and_parameters_stay() {
    let mut one = trainer(1, TrainerOptions::default());
    let weights = one.run().weights();
    batch(&mut one, 0);
    one.run_mut().set("ids", &[32_i32; 64]).unwrap();
    let error = one.step().unwrap_err().to_string();
    assert_eq!(error, "`embedding`: id 32 at position 0 is out of range: there are 32 rows");
    assert!(matches!(
        one.run_mut().set("ids", &[1_i32; 3]),
        Err(Error::Values { found: 3, expected: 64, .. })
    ));
    assert!(matches!(one.run_mut().set("ids", &[1_i64; 64]), Err(Error::Tensor { .. })));
    assert!(matches!(one.run_mut().set("idz", &[1_i32; 64]), Err(Error::Unknown { .. })));
    assert_eq!(one.run().weights(), weights);
    // a loss that is no number: the training stops before the parameters change
    batch(&mut one, 0);
    one.run_mut().set("head.bias", &[f32::NAN; 32]).unwrap();
    let weights = one.run().weights();
    let error = one.step().unwrap_err();
    assert!(matches!(error, Error::NotFinite { what: "the loss", step: 1, .. }), "{error}");
    let same =
        |a: &Archive, b: &Archive| a.tensors.iter().zip(&b.tensors).all(|(a, b)| a.1.bytes == b.1.bytes);
    assert!(same(&one.run().weights(), &weights));
    // batches without samples
    let graph = gpt(32, 16, 16, 1, 0.0).unwrap();
    let error =
        Trainer::new(graph.clone(), &Sizes::new().with("B", 0), TrainerOptions::default()).unwrap_err();
    assert!(matches!(error, Error::Elements { .. }), "{error}");
    assert!(matches!(Trainer::new(graph, &Sizes::new(), TrainerOptions::default()), Err(Error::Size { .. })));
    // a batch of one token
    let mut short =
        Trainer::new(gpt(32, 1, 16, 1, 0.0).unwrap(), &Sizes::new().with("B", 1), TrainerOptions::default())
            .unwrap();
    short.run_mut().set("ids", &[1_i32]).unwrap();
    short.run_mut().set("targets", &[2_i32]).unwrap();
    assert!(short.step().unwrap().unwrap().loss.is_finite());
}

#[test]
fn a_cap_is_kept_or_named() {
    let mut graph = Graph::new();
    let x = graph.input("x", TensorType::new(DType::F32, [Dim::named("B"), 64.into()])).unwrap();
    graph.stage("first");
    let h = graph.linear("a", x, 64).unwrap();
    let h = graph.gelu(h).unwrap();
    graph.stage("second");
    let h = graph.linear("b", h, 64).unwrap();
    graph.output("y", h).unwrap();
    let sizes = Sizes::new().with("B", 100);
    let need = Plan::new(&graph, &sizes, &PlanOptions::default()).unwrap().bytes();
    let cap = |cap| Plan::new(&graph, &sizes, &PlanOptions { cap: Some(cap), ..PlanOptions::default() });
    assert_eq!(cap(need).unwrap().bytes(), need);
    let error = cap(need - 1).unwrap_err();
    let Error::DoesNotFit { stage, needed, cap, .. } = &error else { panic!("{error}") };
    assert!(["first", "second", "all"].contains(&stage.as_str()) && needed > cap, "{error}");
}

/// Another process writes checkpoints as fast as it can and is killed at any moment: a whole one is always there.
#[test]
fn the_last_good_checkpoint_survives_a_kill() {
    let path = file("killed.safetensors");
    if let Ok(path) = std::env::var("KETLINE_KILL_ME") {
        let mut one = trainer(1, TrainerOptions::default());
        for k in 0.. {
            losses(&mut one, k, 1);
            one.save(&path, &[]).unwrap();
        }
    }
    let program = std::env::current_exe().unwrap();
    let mut last = 0;
    for round in 0..8 {
        let mut child = std::process::Command::new(&program)
            .args(["--exact", "the_last_good_checkpoint_survives_a_kill"])
            .env("KETLINE_KILL_ME", &path)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        while round == 0 && !path.exists() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        std::thread::sleep(std::time::Duration::from_micros(40_000 + 7_919 * round));
        child.kill().unwrap();
        child.wait().unwrap();
        let mut one = trainer(1, TrainerOptions::default());
        one.resume(&path).unwrap();
        last = last.max(one.updates());
    }
    assert!(last > 0);
    std::fs::remove_file(&path).unwrap();
    for entry in std::fs::read_dir(std::env::temp_dir()).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(".ketline-model-") && name.contains("killed") {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}
