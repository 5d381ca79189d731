//! A training that is followed: progress, validation now and then, checkpoints, a log.

use std::error::Error;

use ketline::model::train::{Log, Trainer};
use ketline::model::{self, Run};

use crate::{Arguments, progress};

/// Steps until `steps` are done, each on what `give` sets for its number, and judges by `validate` ten times on the way and at
/// the end; then the state is saved to `--checkpoint`, if that is given. Returns the columns `loss` and `valid`, and the last
/// validation, which is `before` where no step is left to do.
///
/// # Errors
/// Those of the trainer, of `give` and of `validate`.
pub fn follow(
    arguments: &Arguments,
    trainer: &mut Trainer,
    steps: u64,
    before: f64,
    mut give: impl FnMut(&mut Run, u64) -> model::Result<()>,
    mut validate: impl FnMut(&Trainer) -> model::Result<f64>,
) -> Result<(Log, f64), Box<dyn Error>> {
    let checkpoint = arguments.path("checkpoint");
    let mut log = Log::new(["loss", "valid"]);
    let bar = progress(arguments, "training", steps);
    bar.set_position(trainer.updates());
    let every = (steps / 10).max(1);
    let mut last = before;
    while trainer.updates() < steps {
        let number = trainer.updates();
        give(trainer.run_mut(), number)?;
        let Some(record) = trainer.step()? else { continue };
        let mut row = vec![record.loss];
        if record.step % every == 0 || record.step == steps {
            last = validate(trainer)?;
            row.push(last);
            if let Some(path) = &checkpoint {
                trainer.save(path, &[])?;
            }
            if bar.is_hidden() && !arguments.json() {
                println!("step {:5}  loss {:.4}  validation {last:.4}", record.step, record.loss);
            }
        }
        log.push(record.step, &row);
        bar.set_message(format!("loss {:.3}, validation {last:.3}", record.loss));
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok((log, last))
}
