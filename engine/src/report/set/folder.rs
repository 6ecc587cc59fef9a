//! A set in a folder on disk.
//!
//! The new set is written beside the folder, under a name that begins with a point, and
//! takes its place in one step where the system can exchange two folders (Linux), else in
//! two. Files of the folder that its manifest does not name are in the new one as well.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::manifest::{self, MANIFEST_NAME};
use super::{LEFT_OVER_AFTER, write};
use crate::report::error::ReportError;

const UNFINISHED: &str = "unfinished-";

/// Ends the name of a set that was moved aside.
const ASIDE: &str = "-old";

/// A set while it is made.
pub(super) struct Folder {
    target: PathBuf,
    unfinished: PathBuf,
    /// Paths of the set that is there.
    before: BTreeSet<String>,
}

impl Folder {
    pub(super) fn begin(path: &Path) -> Result<Self, ReportError> {
        let failed = |source| write(path, source);
        // A link stands for what it leads to, `..` for a folder with a name.
        let target = match fs::symlink_metadata(path) {
            Ok(_) => path.canonicalize().map_err(failed)?,
            Err(_) => std::path::absolute(path).map_err(failed)?,
        };
        let (Some(parent), Some(name)) = (target.parent(), target.file_name()) else {
            return Err(ReportError::MountPoint { folder: target.display().to_string() });
        };
        let prefix = format!(".{}.{UNFINISHED}", name.to_string_lossy());
        restore(parent, &prefix, &target);
        let mut before = BTreeSet::new();
        if target.exists() {
            if !target.is_dir() {
                return Err(ReportError::NoFolder { path: path.display().to_string() });
            }
            // Looked at before anything is made, so that a mistake costs nothing.
            before = held(&target)?;
            let here = std::env::current_dir().and_then(|here| here.canonicalize());
            if here.is_ok_and(|here| here.starts_with(&target)) {
                return Err(ReportError::WorkingFolder { folder: path.display().to_string() });
            }
            if is_mount_point(&target, parent) {
                return Err(ReportError::MountPoint { folder: path.display().to_string() });
            }
        }
        fs::create_dir_all(parent).map_err(|source| write(parent, source))?;
        sweep(parent, &prefix);
        // By chance rather than by process: machines that share a disk number theirs alike.
        let unfinished = parent.join(format!("{prefix}{}", uuid::Uuid::new_v4().simple()));
        create_private(&unfinished, target.exists()).map_err(|source| ReportError::Beside {
            folder: target.display().to_string(),
            source,
        })?;
        Ok(Self { target, unfinished, before })
    }

    /// An error where a file that is not of the set stands at this path of it.
    pub(super) fn check(&self, path: &str) -> Result<(), ReportError> {
        let there = self.target.join(path);
        if fs::symlink_metadata(&there).is_err() || self.before.contains(path) {
            return Ok(());
        }
        // Another run may have put its set there meanwhile.
        match held(&self.target)?.contains(path) {
            true => Ok(()),
            false => Err(ReportError::InTheWay { file: there.display().to_string() }),
        }
    }

    pub(super) fn unfinished(&self) -> &Path {
        &self.unfinished
    }

    pub(super) fn publish(self, manifest: &[u8]) -> Result<String, ReportError> {
        let path = self.unfinished.join(MANIFEST_NAME);
        fs::write(&path, manifest).map_err(|source| write(&path, source))?;
        let shown = self.target.join(MANIFEST_NAME).display().to_string();
        if !self.target.exists() {
            return match fs::rename(&self.unfinished, &self.target) {
                Ok(()) => Ok(shown),
                Err(source) => Err(write(&self.target, source)),
            };
        }
        let of_old_set = held(&self.target)?;
        // Others' files are in both folders before one takes the place of the other, and
        // so never in none.
        carry(&self.target, &self.unfinished, &of_old_set)?;
        exchange(&self.unfinished, &self.target).map_err(|source| write(&self.target, source))?;
        Ok(shown)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // Nothing more can be done about a folder that does not go away; the next run
        // sweeps it.
        let _ = fs::remove_dir_all(&self.unfinished);
    }
}

/// Paths of the set that a folder holds; an error where it holds something else.
fn held(folder: &Path) -> Result<BTreeSet<String>, ReportError> {
    let path = folder.join(MANIFEST_NAME);
    match fs::read(&path) {
        Ok(text) => manifest::paths(&text)
            .map_err(|reason| ReportError::Manifest { path: path.display().to_string(), reason }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut entries = fs::read_dir(folder).map_err(|source| write(folder, source))?;
            match entries.next() {
                None => Ok(BTreeSet::new()),
                Some(entry) => Err(ReportError::Foreign {
                    folder: folder.display().to_string(),
                    file: entry.map_or_else(
                        |error| error.to_string(),
                        |entry| entry.file_name().to_string_lossy().into_owned(),
                    ),
                }),
            }
        }
        Err(source) => Err(write(&path, source)),
    }
}

/// Puts one folder in the place of the other.
fn exchange(new: &Path, old: &Path) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        match renameat_with(CWD, new, CWD, old, RenameFlags::EXCHANGE) {
            Ok(()) => return Ok(()),
            // A file system that cannot.
            Err(
                rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS | rustix::io::Errno::NOTSUP,
            ) => {}
            Err(error) => return Err(error.into()),
        }
    }
    exchange_in_steps(new, old)
}

/// As [`exchange`], with a moment in which neither is there. A failure puts the old one back.
fn exchange_in_steps(new: &Path, old: &Path) -> io::Result<()> {
    let mut name = new.file_name().unwrap_or_default().to_owned();
    name.push(ASIDE);
    let aside = new.with_file_name(name);
    fs::rename(old, &aside)?;
    if let Err(error) = fs::rename(new, old) {
        fs::rename(&aside, old)?;
        return Err(error);
    }
    fs::rename(&aside, new)
}

/// Gives what is not of the old set a second name in the new set's folder. An error where
/// the new set has a file of that name.
fn carry(old: &Path, new: &Path, of_old_set: &BTreeSet<String>) -> Result<(), ReportError> {
    let failed = |path: &Path, source| write(path, source);
    let mut folders = vec![PathBuf::new()];
    let mut walked = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let within = old.join(&folder);
        for entry in fs::read_dir(&within).map_err(|source| failed(&within, source))? {
            let entry = entry.map_err(|source| failed(&within, source))?;
            let path = folder.join(entry.file_name());
            let file_type = entry.file_type().map_err(|source| failed(&entry.path(), source))?;
            let shown: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
            let shown = shown.join("/");
            if file_type.is_dir() {
                let within = format!("{shown}/");
                let mut of_set = of_old_set.range(within.clone()..);
                if !of_set.next().is_some_and(|path| path.starts_with(&within)) {
                    let target = new.join(&path);
                    fs::create_dir_all(&target).map_err(|_| ReportError::InTheWay {
                        file: entry.path().display().to_string(),
                    })?;
                }
                folders.push(path.clone());
                walked.push(path);
                continue;
            }
            if shown == MANIFEST_NAME || of_old_set.contains(&shown) {
                continue;
            }
            let target = new.join(&path);
            let in_the_way = || ReportError::InTheWay { file: entry.path().display().to_string() };
            if fs::symlink_metadata(&target).is_ok() {
                return Err(in_the_way());
            }
            if let Some(parent) = target.parent() {
                // A file of the new set may stand where a folder is needed.
                fs::create_dir_all(parent).map_err(|_| in_the_way())?;
            }
            let named = fs::hard_link(entry.path(), &target);
            // A disk without second names gets a copy.
            named
                .or_else(|_| fs::copy(entry.path(), &target).map(drop))
                .map_err(|source| failed(&target, source))?;
        }
    }
    // Who may read a folder of customers' cost is for its owner to say. The deepest first:
    // a folder may be one that cannot be written to.
    for folder in walked.iter().rev() {
        let (from, to) = (old.join(folder), new.join(folder));
        if to.is_dir() {
            let permissions = fs::metadata(&from).map(|metadata| metadata.permissions());
            permissions
                .and_then(|permissions| fs::set_permissions(&to, permissions))
                .map_err(|source| failed(&to, source))?;
        }
    }
    Ok(())
}

/// Makes a folder, which its owner alone may look into where it takes another's place: it
/// then gets the permissions of that one.
fn create_private(folder: &Path, takes_anothers_place: bool) -> io::Result<()> {
    #[cfg(unix)]
    if takes_anothers_place {
        use std::os::unix::fs::DirBuilderExt as _;
        return fs::DirBuilder::new().mode(0o700).create(folder);
    }
    let _ = takes_anothers_place;
    fs::create_dir(folder)
}

/// Puts a set back that a run moved aside without coming to put another in its place.
fn restore(parent: &Path, prefix: &str, target: &Path) {
    if target.exists() {
        return;
    }
    let Ok(entries) = fs::read_dir(parent) else { return };
    let aside = entries.flatten().find(|entry| {
        let name = entry.file_name();
        name.to_str().is_some_and(|name| name.starts_with(prefix) && name.ends_with(ASIDE))
    });
    if let Some(aside) = aside {
        let _ = fs::rename(aside.path(), target);
    }
}

/// Removes what runs left that broke off long ago.
pub(super) fn sweep(parent: &Path, prefix: &str) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let is_left = entry.file_name().to_str().is_some_and(|name| name.starts_with(prefix));
        let changed = entry.metadata().and_then(|metadata| metadata.modified());
        let age = changed.ok().and_then(|changed| changed.elapsed().ok());
        if is_left && age.is_some_and(|age| age > LEFT_OVER_AFTER) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(unix)]
fn is_mount_point(folder: &Path, parent: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let device = |path: &Path| fs::metadata(path).map(|metadata| metadata.dev()).ok();
    device(folder) != device(parent)
}

#[cfg(not(unix))]
fn is_mount_point(_: &Path, _: &Path) -> bool {
    false
}

#[cfg(test)]
mod tests;
