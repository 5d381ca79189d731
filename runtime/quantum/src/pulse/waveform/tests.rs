use super::*;

/// Arguments in samples for a pulse of 97 samples, at no kink.
fn arguments(row: &Row) -> Vec<f64> {
    let of = |argument: &Argument| match argument.name {
        "sigma" => 21.3,
        "width" => 30.35,
        "beta" => -1.7,
        other => panic!("a value for `{other}` is wanted"),
    };
    row.arguments.iter().map(of).collect()
}

fn point(arguments: &[f64], time: f64) -> Point<'_> {
    Point { time, duration: 97.0, arguments, samples: &[] }
}

#[test]
fn every_row_is_symmetric_with_a_peak_of_one() {
    for row in table() {
        let arguments = arguments(row);
        let at = |time| (row.shape)(&point(&arguments, time));
        let mut peak = 0.0_f64;
        for k in 0..97 {
            let (early, late) = (at(f64::from(k) + 0.5), at(96.5 - f64::from(k)));
            // The quadrature of DRAG is a derivative, so it is odd.
            assert!((early - late.conj()).norm() < 1e-14, "{} at {k}", row.name);
            peak = peak.max(early.re);
        }
        assert!((peak - 1.0).abs() < 1e-14 && at(48.5).im.abs() < 1e-14, "{} has the peak {peak}", row.name);
    }
}

#[test]
fn every_derivative_is_that_of_finite_differences() {
    for row in table() {
        let arguments = arguments(row);
        for k in 0..97 {
            for argument in 0..arguments.len() {
                let time = f64::from(k) + 0.5;
                let at = |shift: f64| {
                    let mut moved = arguments.clone();
                    moved[argument] += shift;
                    (row.shape)(&point(&moved, time))
                };
                let step = 1e-3;
                let found = (row.slope)(&point(&arguments, time), argument);
                let wanted =
                    ((at(step) - at(-step)) * 8.0 - (at(2.0 * step) - at(-2.0 * step))) / (12.0 * step);
                assert!((found - wanted).norm() < 1e-9, "{} {argument} at {k}: {found} {wanted}", row.name);
            }
        }
    }
}

#[test]
fn lifted_rows_are_zero_one_sample_beyond_their_ends() {
    for row in table().iter().filter(|row| !["constant", "gaussian", "cosine"].contains(&row.name)) {
        let arguments = arguments(row);
        for time in [-1.0, 98.0] {
            // but for the quadrature of DRAG
            assert!((row.shape)(&point(&arguments, time)).re.abs() < 1e-14, "{}", row.name);
        }
    }
    for time in [0.0, 97.0] {
        assert!((table::TABLE[6].shape)(&point(&[], time)).norm() < 1e-14, "cosine");
    }
}

#[test]
fn the_quadrature_of_drag_is_beta_times_the_derivative() {
    for row in table().iter().filter(|row| row.name.ends_with("drag")) {
        let arguments = arguments(row);
        let at = |time: f64| (row.shape)(&point(&arguments, time));
        for k in [3.5, 20.5, 33.5, 70.5, 90.5] {
            let step = 1e-3;
            let slope = (8.0 * (at(k + step).re - at(k - step).re)
                - (at(k + 2.0 * step).re - at(k - 2.0 * step).re))
                / (12.0 * step);
            assert!((at(k).im + 1.7 * slope).abs() < 1e-10, "{} at {k}", row.name);
        }
    }
}

/// A waveform with three parameters: its amplitude, its phase, and one in all arguments.
fn trainable(row: &Row) -> Waveform {
    let [amp, phase, rest] = [0, 1, 2].map(Angle::parameter);
    let arguments: Vec<(&str, Extent)> = row
        .arguments
        .iter()
        .zip(arguments(row))
        .map(|(argument, value)| (argument.name, (2.0 * rest + value).into()))
        .collect();
    let waveform = Waveform::named(row.name, Duration::samples(97), 0.5 * amp + 0.1, &arguments).unwrap();
    waveform.with_phase(phase - 0.3)
}

#[test]
fn samples_vary_with_parameters_as_finite_differences_say() {
    let values = [0.7, 0.4, 0.01];
    for row in table() {
        let waveform = trainable(row);
        let shape = waveform.shape(1e-9, &values).unwrap();
        assert_eq!(shape.parameters().len(), if row.arguments.is_empty() { 2 } else { 3 });
        for parameter in 0..3 {
            let at = |shift: f64| {
                let mut moved = values;
                moved[parameter] += shift;
                waveform.samples(1e-9, &moved).unwrap()
            };
            let step = 1e-4;
            let [a, b, c, d] = [at(step), at(-step), at(2.0 * step), at(-2.0 * step)];
            for k in 0..97 {
                let wanted = ((a[k] - b[k]) * 8.0 - (c[k] - d[k])) / (12.0 * step);
                assert!((shape.slope(k, parameter) - wanted).norm() < 1e-7, "{} {parameter} {k}", row.name);
            }
        }
    }
}

#[test]
fn negation_and_scaling_keep_beta() {
    let x = Waveform::drag(Duration::samples(160), 0.2, Duration::samples(40), -1.1).with_phase(0.4);
    let [plain, negated, scaled, reversed] =
        [x.clone(), -x.clone(), 0.5 * x.clone(), x.reversed()].map(|w| w.samples(1.0, &[]).unwrap());
    for k in 0..160 {
        assert_eq!(negated[k], -plain[k]);
        assert_eq!(reversed[k], -plain[k]);
        assert!((scaled[k] - plain[k] * 0.5).norm() < 1e-16);
    }
    let own = Waveform::sampled(vec![C64::new(0.1, 0.2), C64::new(0.3, 0.0)]);
    assert_eq!(own.reversed().samples(1.0, &[]).unwrap(), [C64::new(-0.3, 0.0), C64::new(-0.1, -0.2)]);
}

#[test]
fn a_rise_is_the_rest_of_the_width() {
    let dt = Duration::samples;
    let by_rise = Waveform::gaussian_square_rise(dt(848), 0.3, dt(64), dt(128));
    assert_eq!(by_rise, Waveform::gaussian_square(dt(848), 0.3, dt(64), dt(592)));
    assert_eq!(
        by_rise.to_string(),
        "gaussian_square(duration = 848dt, amp = 0.3, sigma = 64dt, width = 592dt)"
    );
}

#[test]
fn arguments_outside_of_their_range_are_refused() {
    let dt = Duration::samples;
    let refused = |waveform: Waveform| waveform.samples(1e-9, &[f64::NAN]).unwrap_err().to_string();
    assert_eq!(
        refused(Waveform::gaussian(dt(160), 0.1, dt(0))),
        "`sigma` of `gaussian` is 0, but more than 0 samples was expected"
    );
    assert_eq!(
        refused(Waveform::gaussian_square(dt(848), 0.1, dt(64), dt(900))),
        "`width` of `gaussian_square` is 900, but 0 to 848 samples, the length of the pulse was expected"
    );
    assert!(refused(Waveform::constant(dt(0), 0.1)).contains("at least one sample"));
    assert!(refused(Waveform::constant(Duration::nanoseconds(10.3), 0.1)).contains("10.3 samples of 1e-9 s"));
    assert!(refused(Waveform::constant(dt(16), Angle::parameter(0))).contains("`amp` of `constant` is NaN"));
    assert!(refused(Waveform::drag(dt(16), 0.1, dt(4), f64::INFINITY)).contains("`beta` of `drag` is inf"));
}

#[test]
fn arguments_by_name_are_checked() {
    let sigma = Extent::from(Duration::samples(40));
    let refused = |name: &str, arguments: &[(&str, Extent)]| {
        Waveform::named(name, Duration::samples(160), 0.1, arguments).unwrap_err().to_string()
    };
    assert!(refused("gausian", &[]).contains("no waveform `gausian`, expected one of constant, gaussian"));
    assert_eq!(
        refused("drag", &[("sigam", sigma)]),
        "`sigam` is unknown: `drag` takes duration, amp, phase, sigma, beta"
    );
    assert!(refused("drag", &[("sigma", sigma)]).contains("`beta` is missing"));
    assert!(refused("drag", &[("sigma", sigma), ("sigma", sigma)]).contains("`sigma` is given twice"));
}
