//! The command line of an example: `--json`, `--seed`, `--help` and the example's own flags.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::str::FromStr;

/// A flag of an example.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flag {
    name: &'static str,
    value: Option<&'static str>,
    help: &'static str,
}

impl Flag {
    /// A flag that is there or not: `--name`.
    pub const fn switch(name: &'static str, help: &'static str) -> Self {
        Self { name, value: None, help }
    }

    /// A flag with a value: `--name VALUE`.
    pub const fn value(name: &'static str, value: &'static str, help: &'static str) -> Self {
        Self { name, value: Some(value), help }
    }
}

/// The flag of an example that draws: `--out DIR`, read by [`Arguments::out`].
pub const OUT: Flag = Flag::value("out", "DIR", "folder for pictures [target/ketline]");

const COMMON: [Flag; 3] = [
    Flag::value("seed", "N", "seed of everything random [42]"),
    Flag::switch("json", "print the metrics as one JSON object on the last line, and no progress"),
    Flag::switch("help", "print this text"),
];

/// What was given on the command line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arguments {
    given: BTreeMap<&'static str, String>,
    rest: Vec<String>,
}

/// A command line that does not fit the example.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArgumentError {
    /// A flag that the example does not have.
    #[error("no flag `{found}`; there are {known}")]
    Unknown {
        /// The flag given.
        found: String,
        /// All flags.
        known: String,
    },
    /// A flag given twice.
    #[error("`--{flag}` is given twice")]
    Repeated {
        /// The flag.
        flag: &'static str,
    },
    /// A flag without its value, or a switch with one.
    #[error("`--{flag}` {expected}")]
    Shape {
        /// The flag.
        flag: &'static str,
        /// What it takes.
        expected: &'static str,
    },
    /// A value that cannot be read.
    #[error("`--{flag}` is `{found}`, expected {expected}")]
    Value {
        /// The flag.
        flag: String,
        /// The value given.
        found: String,
        /// What was wanted.
        expected: &'static str,
    },
    /// A folder that cannot be made.
    #[error("`--out` is `{found}`, expected a folder that can be written: {reason}")]
    Folder {
        /// The folder.
        found: PathBuf,
        /// What stands against it.
        reason: String,
    },
    /// Text that is no Unicode.
    #[error("`{found}` is not valid Unicode")]
    Encoding {
        /// The text, its bad bytes replaced.
        found: String,
    },
}

impl Arguments {
    /// Reads the arguments that follow the program's name.
    pub fn parse<T: Into<OsString>>(
        flags: &[Flag],
        arguments: impl IntoIterator<Item = T>,
    ) -> Result<Self, ArgumentError> {
        use lexopt::Arg::{Long, Short, Value};

        let all = || flags.iter().chain(&COMMON);
        let unknown = |found: String| ArgumentError::Unknown {
            found,
            known: all().map(|flag| format!("--{}", flag.name)).collect::<Vec<_>>().join(" "),
        };
        let mut parsed = Self::default();
        let mut parser = lexopt::Parser::from_args(arguments.into_iter().map(Into::into));
        loop {
            let argument = match parser.next() {
                Ok(None) => return Ok(parsed),
                Ok(Some(argument)) => argument,
                Err(error) => return Err(shape(&error, flags)),
            };
            match argument {
                Value(text) => parsed.rest.push(unicode(text)?),
                Short(letter) => return Err(unknown(format!("-{letter}"))),
                Long(name) => {
                    let flag =
                        all().find(|flag| flag.name == name).ok_or_else(|| unknown(format!("--{name}")))?;
                    let value = match flag.value {
                        None => String::new(),
                        Some(_) => match parser.value() {
                            Ok(text) => unicode(text)?,
                            Err(_) => {
                                return Err(ArgumentError::Shape {
                                    flag: flag.name,
                                    expected: "needs a value",
                                });
                            }
                        },
                    };
                    if parsed.given.insert(flag.name, value).is_some() {
                        return Err(ArgumentError::Repeated { flag: flag.name });
                    }
                }
            }
        }
    }

    /// Whether a flag was given.
    pub fn has(&self, flag: &str) -> bool {
        self.given.contains_key(flag)
    }

    /// Whether the metrics are wanted as JSON.
    pub fn json(&self) -> bool {
        self.has("json")
    }

    /// The seed of everything random.
    pub fn seed(&self) -> Result<u64, ArgumentError> {
        self.number("seed", 42, "a whole number >= 0")
    }

    /// The text of a flag, if it was given.
    pub fn text(&self, flag: &str) -> Option<&str> {
        self.given.get(flag).map(String::as_str)
    }

    /// The path of a flag, if it was given.
    pub fn path(&self, flag: &str) -> Option<PathBuf> {
        self.text(flag).map(PathBuf::from)
    }

    /// The folder for pictures, made if it is not there.
    ///
    /// # Errors
    /// [`ArgumentError::Folder`].
    pub fn out(&self) -> Result<PathBuf, ArgumentError> {
        let folder = self.path("out").unwrap_or_else(|| PathBuf::from("target/ketline"));
        match std::fs::create_dir_all(&folder) {
            Ok(()) => Ok(folder),
            Err(error) => Err(ArgumentError::Folder { found: folder, reason: error.to_string() }),
        }
    }

    /// The number of a flag, or `default` if it was not given; `expected` says in a message what is wanted.
    pub fn number<T: FromStr>(
        &self,
        flag: &str,
        default: T,
        expected: &'static str,
    ) -> Result<T, ArgumentError> {
        self.text(flag).map_or(Ok(default), |text| {
            text.parse().map_err(|_| ArgumentError::Value { flag: flag.into(), found: text.into(), expected })
        })
    }

    /// What stands between the flags.
    pub fn rest(&self) -> &[String] {
        &self.rest
    }
}

/// The text of `--help`.
pub fn help(example: &str, about: &str, flags: &[Flag]) -> String {
    let head = |flag: &Flag| match flag.value {
        Some(value) => format!("--{} {value}", flag.name),
        None => format!("--{}", flag.name),
    };
    let width = flags.iter().chain(&COMMON).map(|flag| head(flag).chars().count()).max().unwrap_or_default();
    let mut text = format!("{about}\n\ncargo run --release --example {example} -- [FLAGS]\n\n");
    for flag in flags.iter().chain(&COMMON) {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {:width$}  {}", head(flag), flag.help);
    }
    text
}

fn unicode(text: OsString) -> Result<String, ArgumentError> {
    text.into_string().map_err(|text| ArgumentError::Encoding { found: text.to_string_lossy().into_owned() })
}

/// The parser's own complaint: the only one left is a value given to a switch.
fn shape(error: &lexopt::Error, flags: &[Flag]) -> ArgumentError {
    match error {
        lexopt::Error::UnexpectedValue { option, .. } => {
            flags.iter().chain(&COMMON).find(|flag| option.trim_start_matches('-') == flag.name).map_or_else(
                || ArgumentError::Encoding { found: option.clone() },
                |flag| ArgumentError::Shape { flag: flag.name, expected: "takes no value" },
            )
        }
        other => ArgumentError::Encoding { found: other.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLAGS: [Flag; 2] =
        [Flag::value("shots", "N", "shots a setting [exact]"), Flag::switch("quick", "a small run")];

    fn parse(line: &str) -> Result<Arguments, ArgumentError> {
        Arguments::parse(&FLAGS, line.split_whitespace())
    }

    #[test]
    fn flags_values_and_the_rest_are_told_apart() {
        let arguments = parse("--shots 1024 file.json --quick --seed=7 --json").unwrap();
        assert_eq!(arguments.number("shots", 0, "a count"), Ok(1024));
        assert_eq!(arguments.seed(), Ok(7));
        assert!(arguments.has("quick") && arguments.json());
        assert_eq!(arguments.rest(), ["file.json"]);
        assert_eq!(parse("").unwrap().seed(), Ok(42));
        assert_eq!(parse("").unwrap().path("shots"), None);
    }

    #[test]
    fn messages_name_what_was_found_and_what_was_wanted() {
        let message = |line| parse(line).unwrap_err().to_string();
        assert_eq!(message("--shot 3"), "no flag `--shot`; there are --shots --quick --seed --json --help");
        assert_eq!(message("-j"), "no flag `-j`; there are --shots --quick --seed --json --help");
        assert_eq!(message("--shots"), "`--shots` needs a value");
        assert_eq!(message("--quick=yes"), "`--quick` takes no value");
        assert_eq!(message("--quick=yes --json"), "`--quick` takes no value");
        assert_eq!(message("--quick --quick"), "`--quick` is given twice");
        let seed = parse("--seed many").unwrap().seed().unwrap_err();
        assert_eq!(seed.to_string(), "`--seed` is `many`, expected a whole number >= 0");
    }

    #[test]
    fn help_lists_every_flag() {
        let text = help("robust_state", "Trains a state.", &FLAGS);
        assert!(text.starts_with("Trains a state.\n"));
        assert!(
            text.contains("  --shots N  shots a setting [exact]\n") && text.contains("  --json     print")
        );
    }
}
