//! Named trainable parameters of a circuit.

use crate::{Angle, Error, Result};

/// Parameters of the largest circuit.
const MAX_PARAMETERS: usize = 1 << 24;

/// One declared parameter: a name and the shape of its values.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The name.
    pub name: String,
    /// The shape: empty for one angle, `[L, N]` for `[[Angle; N]; L]`.
    pub shape: Vec<usize>,
    /// Where its values begin in the flat slice, in row-major order.
    pub offset: usize,
}

impl Group {
    /// How many values it has.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether it has no values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The trainable parameters of a circuit: named arrays, and one flat order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Parameters {
    groups: Vec<Group>,
}

impl Parameters {
    /// How many values there are.
    pub fn len(&self) -> usize {
        self.groups.last().map_or(0, |group| group.offset + group.len())
    }

    /// Whether the circuit has no parameters.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The declared arrays, in order.
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// The array of this name.
    pub fn group(&self, name: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.name == name)
    }

    /// The values of the array of this name within the flat slice.
    pub fn values<'a>(&self, name: &str, flat: &'a [f64]) -> Option<&'a [f64]> {
        let group = self.group(name)?;
        flat.get(group.offset..group.offset + group.len())
    }

    /// The name of value number `index`, such as `theta[0][1]`.
    pub fn name(&self, index: usize) -> String {
        let Some(group) = self
            .groups
            .iter()
            .rev()
            .find(|group| group.offset <= index && index < group.offset + group.len())
        else {
            return format!("p{index}");
        };
        let mut rest = index - group.offset;
        let mut places = Vec::new();
        for size in group.shape.iter().rev() {
            places.push(rest % size);
            rest /= size;
        }
        places.iter().rev().fold(group.name.clone(), |name, place| format!("{name}[{place}]"))
    }

    /// The names of all values, in flat order.
    pub fn names(&self) -> Vec<String> {
        (0..self.len()).map(|index| self.name(index)).collect()
    }

    /// One flat slice from values by name, in any order.
    ///
    /// # Errors
    /// [`Error::ParameterName`] for a name that is unknown, missing or given twice, [`Error::ParameterCount`] for a
    /// wrong number of values.
    pub fn flatten(&self, named: &[(&str, &[f64])]) -> Result<Vec<f64>> {
        let mut flat = vec![f64::NAN; self.len()];
        let refused = |name: &str, fault| {
            let known = self.groups.iter().map(|group| group.name.as_str()).collect::<Vec<_>>().join(", ");
            Err(Error::ParameterName { name: name.to_owned(), fault, known })
        };
        for (at, (name, values)) in named.iter().enumerate() {
            let Some(group) = self.group(name) else { return refused(name, "is unknown") };
            if named[..at].iter().any(|(other, _)| other == name) {
                return refused(name, "is given twice");
            }
            if values.len() != group.len() {
                return Err(Error::ParameterCount { found: values.len(), expected: group.len() });
            }
            flat[group.offset..group.offset + group.len()].copy_from_slice(values);
        }
        match self.groups.iter().find(|group| named.iter().all(|(name, _)| *name != group.name)) {
            Some(missing) if !missing.is_empty() => refused(&missing.name, "is missing"),
            _ => Ok(flat),
        }
    }

    /// Refuses a flat slice of the wrong length or with values that are not finite.
    ///
    /// # Errors
    /// [`Error::ParameterCount`] and [`Error::ParameterValue`].
    pub fn check(&self, values: &[f64]) -> Result<()> {
        if values.len() != self.len() {
            return Err(Error::ParameterCount { found: values.len(), expected: self.len() });
        }
        match values.iter().position(|value| !value.is_finite()) {
            Some(index) => {
                Err(Error::ParameterValue { name: self.name(index), value: values[index].to_string() })
            }
            None => Ok(()),
        }
    }

    /// Adds an array; its angles are numbered from the returned offset.
    pub(crate) fn declare(&mut self, name: &str, shape: Vec<usize>) -> Result<usize> {
        if self.group(name).is_some() {
            return Err(Error::DeclaredTwice { name: name.to_owned() });
        }
        let offset = self.len();
        let size = shape.iter().try_fold(1_usize, |product, size| product.checked_mul(*size));
        if size.and_then(|size| size.checked_add(offset)).is_none_or(|end| end > MAX_PARAMETERS) {
            return Err(Error::TooManyParameters { name: name.to_owned(), shape });
        }
        self.groups.push(Group { name: name.to_owned(), shape, offset });
        Ok(offset)
    }
}

/// What a trainable argument may be: an angle, or arrays of them.
pub trait Trainable: Sized {
    /// The type of its values: `f64`, or arrays of them.
    type Value;

    /// The shape, outermost first.
    fn shape() -> Vec<usize>;

    /// The angles of the parameters from number `next` on.
    fn angles(next: &mut usize) -> Self;

    /// The values from a flat iterator, `None` when it ends early.
    fn values(flat: &mut dyn Iterator<Item = f64>) -> Option<Self::Value>;

    /// Appends values in flat order.
    fn flatten(values: &Self::Value, flat: &mut Vec<f64>);
}

impl Trainable for Angle {
    type Value = f64;

    fn shape() -> Vec<usize> {
        Vec::new()
    }

    fn angles(next: &mut usize) -> Self {
        let angle = Self::parameter(*next);
        *next += 1;
        angle
    }

    fn values(flat: &mut dyn Iterator<Item = f64>) -> Option<f64> {
        flat.next()
    }

    fn flatten(values: &f64, flat: &mut Vec<f64>) {
        flat.push(*values);
    }
}

impl<T: Trainable, const N: usize> Trainable for [T; N] {
    type Value = [T::Value; N];

    fn shape() -> Vec<usize> {
        std::iter::once(N).chain(T::shape()).collect()
    }

    fn angles(next: &mut usize) -> Self {
        std::array::from_fn(|_| T::angles(next))
    }

    fn values(flat: &mut dyn Iterator<Item = f64>) -> Option<Self::Value> {
        let values: Vec<_> = (0..N).map_while(|_| T::values(flat)).collect();
        values.try_into().ok()
    }

    fn flatten(values: &Self::Value, flat: &mut Vec<f64>) {
        for value in values {
            T::flatten(value, flat);
        }
    }
}
