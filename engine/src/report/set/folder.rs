//! A set in a folder on disk.
//!
//! The new set is written beside the folder, under a name that begins with a point, and
//! takes its place in one step where the system can exchange two folders (Linux), else in
//! two. Files of the folder that its manifest does not name move into the new one.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::manifest::{self, MANIFEST_NAME};
use super::write;
use crate::report::error::ReportError;

const UNFINISHED: &str = "unfinished-";

/// A set while it is made.
pub(super) struct Folder {
    target: PathBuf,
    unfinished: PathBuf,
}

impl Folder {
    pub(super) fn begin(path: &Path) -> Result<Self, ReportError> {
        let target = std::path::absolute(path).map_err(|source| write(path, source))?;
        let (Some(parent), Some(name)) = (target.parent(), target.file_name()) else {
            return Err(ReportError::MountPoint { folder: target.display().to_string() });
        };
        if target.exists() {
            // Looked at before anything is made, so that a mistake costs nothing.
            held(&target)?;
            if is_mount_point(&target, parent) {
                return Err(ReportError::MountPoint { folder: path.display().to_string() });
            }
        }
        fs::create_dir_all(parent).map_err(|source| write(parent, source))?;
        let prefix = format!(".{}.{UNFINISHED}", name.to_string_lossy());
        sweep(parent, &prefix);
        let unfinished = parent.join(format!("{prefix}{}", std::process::id()));
        let _ = fs::remove_dir_all(&unfinished);
        fs::create_dir(&unfinished).map_err(|source| write(&unfinished, source))?;
        Ok(Self { target, unfinished })
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
        exchange(&self.unfinished, &self.target).map_err(|source| write(&self.target, source))?;
        // From here on the new set is in place, and `unfinished` is the old one.
        carry(&self.unfinished, &self.target, &of_old_set)
            .map_err(|source| write(&self.target, source))?;
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
    name.push("-old");
    let aside = new.with_file_name(name);
    fs::rename(old, &aside)?;
    if let Err(error) = fs::rename(new, old) {
        fs::rename(&aside, old)?;
        return Err(error);
    }
    fs::rename(&aside, new)
}

/// Moves what is not of the old set from its folder into the new one's.
fn carry(old: &Path, new: &Path, of_old_set: &BTreeSet<String>) -> io::Result<()> {
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(old.join(&folder))? {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                folders.push(path);
                continue;
            }
            let shown: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
            let shown = shown.join("/");
            if shown == MANIFEST_NAME || of_old_set.contains(&shown) {
                continue;
            }
            let target = new.join(&path);
            if let Some(parent) = target.parent() {
                fs::create_dir_all(parent)?;
            }
            // A report of the same name wins; it is what was asked for.
            if !target.exists() {
                fs::rename(entry.path(), target)?;
            }
        }
    }
    Ok(())
}

/// Removes what processes that are gone left.
fn sweep(parent: &Path, prefix: &str) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(process) = name.to_str().and_then(|name| name.strip_prefix(prefix)) else {
            continue;
        };
        let processes = Path::new("/proc");
        // Where processes cannot be looked up, nothing is removed.
        if process.parse::<u32>().is_ok()
            && processes.join("self").exists()
            && !processes.join(process).exists()
        {
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
