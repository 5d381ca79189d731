//! A folder whose folders are classes, as image sets often come.

use std::path::{Path, PathBuf};

use super::read;
use crate::{Error, Result};

/// The files of a folder, each in the folder of its class. Classes and files are in the order of their names.
///
/// ```no_run
/// use ketline_data::import::ClassFolder;
///
/// let folder = ClassFolder::open("clothing", &["jpg", "jpeg"])?;
/// println!("{} files of {:?}", folder.len(), folder.classes());
/// for file in folder.files() {
///     let file = file?;
///     println!("{}: class {}, {} bytes", file.path.display(), file.class, file.bytes.len());
/// }
/// # Ok::<(), ketline_data::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ClassFolder {
    classes: Vec<String>,
    files: Vec<(usize, PathBuf)>,
}

/// A file of a class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassFile {
    /// Where it lies.
    pub path: PathBuf,
    /// The number of its class.
    pub class: usize,
    /// What is in it.
    pub bytes: Vec<u8>,
}

impl ClassFolder {
    /// Lists the files that end in one of the extensions, in upper case or lower; all files if there are none.
    ///
    /// # Errors
    /// [`Error::File`] if a folder cannot be listed, [`Error::Import`] if it has no such file.
    pub fn open(folder: impl AsRef<Path>, extensions: &[&str]) -> Result<Self> {
        let folder = folder.as_ref();
        let (mut classes, mut files) = (Vec::new(), Vec::new());
        for class in sorted(folder)? {
            if !class.is_dir() {
                continue;
            }
            let found: Vec<_> =
                sorted(&class)?.into_iter().filter(|path| path.is_file() && fits(path, extensions)).collect();
            if !found.is_empty() {
                files.extend(found.into_iter().map(|path| (classes.len(), path)));
                classes.push(class.file_name().unwrap_or_default().to_string_lossy().into_owned());
            }
        }
        if files.is_empty() {
            return Err(Error::import(folder, format!("it has no folders with files of {extensions:?}")));
        }
        Ok(Self { classes, files })
    }

    /// The names of the classes.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// How many files there are.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Reads the files in turn.
    pub fn files(&self) -> impl Iterator<Item = Result<ClassFile>> + '_ {
        self.files
            .iter()
            .map(|(class, path)| Ok(ClassFile { path: path.clone(), class: *class, bytes: read(path)? }))
    }
}

fn fits(path: &Path, extensions: &[&str]) -> bool {
    let own = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    extensions.is_empty() || own.is_some_and(|own| extensions.contains(&own.as_str()))
}

fn sorted(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).map_err(Error::file("list", folder))?;
    let paths: std::io::Result<Vec<_>> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut paths = paths.map_err(Error::file("list", folder))?;
    paths.sort();
    Ok(paths)
}
