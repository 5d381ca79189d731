//! Losses and gradients of known models against PyTorch's; `scripts/torch_models.py` computes the figures.

#![allow(clippy::cast_possible_wrap)] // small numbers

use ketline_model::models::{Transformer, conv_net, dlrm};
use ketline_model::{DType, Gradient, Graph, Plan, PlanOptions, Sizes};
use serde_json::Value as Json;

fn wave(n: usize, k: f64, factor: f64) -> impl Iterator<Item = f64> {
    (0..n).map(move |i| (i as f64 * factor + k).sin())
}

fn ids(n: usize, k: usize, below: usize) -> Vec<i32> {
    (0..n).map(|i| ((i * i * 7 + 3 * i + k) % below) as i32).collect()
}

fn figures() -> Json {
    serde_json::from_str(include_str!("../data/torch.json")).unwrap()
}

/// Parameters as waves, inputs as given, then loss and every gradient.
fn compare(model: &str, mut graph: Graph, sizes: &Sizes, batch: impl Fn(&mut ketline_model::Run)) {
    let expected = &figures()[model];
    let mut parameters: Vec<_> =
        graph.parameters().map(|(value, tensor)| (tensor.name.clone(), value)).collect();
    parameters.sort();
    assert_eq!(parameters.len(), expected["gradients"].as_object().unwrap().len(), "{model}");
    let by: Vec<_> = parameters.iter().map(|&(_, value)| value).collect();
    let loss = graph.find_output("loss").unwrap();
    let gradients = graph.differentiate(loss, &by, &[]).unwrap();
    let gradients = gradients.iter().map(|gradient| match gradient {
        Some(Gradient::Dense(value)) => *value,
        _ => panic!("{model}: a parameter has no gradient"),
    });
    let gradients: Vec<_> = gradients.collect();
    let options = PlanOptions { threads: 2, keep: gradients.clone(), ..PlanOptions::default() };
    let mut run = Plan::new(&graph, sizes, &options).unwrap().start(0).unwrap();
    for (k, (name, value)) in parameters.iter().enumerate() {
        let dims = run.plan().extent(*value).dims.clone();
        let fan: usize = if dims.len() > 1 { dims[1..].iter().product() } else { 100 };
        let around = if name.contains("norm") && name.ends_with("weight") { 1.0 } else { 0.0 };
        let n = dims.iter().product();
        let values =
            wave(n, k as f64, 1.7).map(|x| (x / (fan as f64).sqrt() + around) as f32).collect::<Vec<_>>();
        run.set(name, &values).unwrap();
    }
    batch(&mut run);
    run.step().unwrap();
    let found = f64::from(run.output::<f32>("loss").unwrap()[0]);
    let wanted = expected["loss"].as_f64().unwrap();
    assert!((found - wanted).abs() < 1e-4 * wanted.abs(), "{model}: loss {found}, expected {wanted}");
    for ((name, _), gradient) in parameters.iter().zip(gradients) {
        let g: Vec<f64> = run.values::<f32>(gradient).unwrap().iter().map(|&x| f64::from(x)).collect();
        let norm = g.iter().map(|x| x * x).sum::<f64>().sqrt();
        let product: f64 = g.iter().zip(wave(g.len(), 0.5, 0.8)).map(|(a, b)| a * b).sum();
        let wanted = &expected["gradients"][name];
        let (wanted_norm, wanted_product) = (wanted[0].as_f64().unwrap(), wanted[1].as_f64().unwrap());
        let close = |a: f64, b: f64| (a - b).abs() <= 1e-4 * wanted_norm.max(1e-3);
        assert!(close(norm, wanted_norm), "{model}: {name}: norm {norm}, expected {wanted_norm}");
        assert!(
            close(product, wanted_product),
            "{model}: {name}: product {product}, expected {wanted_product}"
        );
    }
}

const SMALL: Transformer =
    Transformer { vocabulary: 37, length: 6, width: 8, heads: 2, layers: 2, dropout: 0.0, seed: 0 };

fn mask() -> Vec<u8> {
    (0..3).flat_map(|b| (0..6).map(move |i| u8::from(i < 6 - b))).collect()
}

#[test]
fn gpt_is_pytorchs() {
    compare("gpt", SMALL.gpt(false).unwrap(), &Sizes::new().with("B", 3), |run| {
        run.set("ids", &ids(18, 0, 37)).unwrap();
        run.set("targets", &ids(18, 5, 37)).unwrap();
    });
}

#[test]
fn bert_is_pytorchs() {
    compare("bert", SMALL.bert().unwrap(), &Sizes::new().with("B", 3).with("P", 5), |run| {
        run.set("ids", &ids(18, 0, 37)).unwrap();
        run.set("mask", &mask()).unwrap();
        run.set("positions", &ids(5, 2, 18)).unwrap();
        run.set("targets", &ids(5, 5, 37)).unwrap();
    });
}

#[test]
fn an_encoder_and_decoder_are_pytorchs() {
    compare("t5", SMALL.t5().unwrap(), &Sizes::new().with("B", 3), |run| {
        run.set("ids", &ids(18, 0, 37)).unwrap();
        run.set("mask", &mask()).unwrap();
        run.set("decoder_ids", &ids(18, 3, 37)).unwrap();
        run.set("targets", &ids(18, 5, 37)).unwrap();
    });
}

#[test]
fn conv_nets_are_pytorchs() {
    // few filters, and as many as matrix units are used for
    for (model, size, filters) in [("conv_net", 8, 4), ("wide_conv_net", 32, 32)] {
        let graph = conv_net(3, size, filters, 10).unwrap();
        compare(model, graph, &Sizes::new().with("B", 3), |run| {
            let x: Vec<_> = wave(3 * 3 * size * size, 0.3, 0.9).map(|x| x as f32).collect();
            run.set("x", &x).unwrap();
            run.set("targets", &ids(3, 1, 10)).unwrap();
        });
    }
}

#[test]
fn dlrm_is_pytorchs() {
    compare("dlrm", dlrm(5, 4, 11, 6).unwrap(), &Sizes::new().with("B", 3), |run| {
        run.set("x", &wave(15, 0.1, 0.9).map(|x| x as f32).collect::<Vec<_>>()).unwrap();
        for k in 0..4 {
            run.set(&format!("ids.{k}"), &ids(3, k, 11)).unwrap();
        }
        run.set("targets", &ids(3, 1, 2).iter().map(|&x| x as f32).collect::<Vec<_>>()).unwrap();
    });
}

#[test]
fn states_of_pytorch_load_by_name() {
    let graph = conv_net(3, 8, 4, 10).unwrap();
    let names: Vec<_> = graph.parameters().map(|(_, tensor)| tensor.name.clone()).collect();
    let figures = figures();
    assert!(names.iter().all(|name| figures["conv_net"]["gradients"].get(name).is_some()));
    assert!(graph.parameters().all(|(_, tensor)| tensor.ty.dtype == DType::F32));
}
