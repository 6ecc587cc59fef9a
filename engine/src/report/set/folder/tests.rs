use super::*;

struct Dir(tempfile::TempDir);

impl Dir {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Every file with its text, by path.
    fn files(&self) -> Vec<(String, String)> {
        let mut files = Vec::new();
        let mut folders = vec![self.0.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let name = path.strip_prefix(self.0.path()).unwrap().to_str().unwrap().to_owned();
                if !name.ends_with(MANIFEST_NAME) {
                    files.push((name, fs::read_to_string(path).unwrap()));
                }
            }
        }
        files.sort();
        files
    }
}

fn publish(target: &Path, files: &[(&str, &str)]) -> Result<String, ReportError> {
    let folder = Folder::begin(target)?;
    let mut entries = Vec::new();
    for (path, text) in files {
        let local = folder.unfinished().join(path);
        fs::create_dir_all(local.parent().unwrap()).unwrap();
        fs::write(local, text).unwrap();
        entries.push(serde_json::json!({ "path": path }));
    }
    folder.publish(&manifest::write(Default::default(), entries))
}

fn owned(files: &[(&str, &str)]) -> Vec<(String, String)> {
    files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
}

#[test]
fn a_set_takes_the_place_of_the_one_before() {
    let dir = Dir::new();
    let target = dir.path("a/reports");
    publish(&target, &[("x/savings.html", "1"), ("y/savings.html", "1")]).unwrap();
    assert_eq!(
        dir.files(),
        owned(&[("a/reports/x/savings.html", "1"), ("a/reports/y/savings.html", "1")])
    );
    publish(&target, &[("x/savings.html", "2")]).unwrap();
    assert_eq!(
        dir.files(),
        owned(&[("a/reports/x/savings.html", "2")]),
        "nothing of the old one stays"
    );
}

#[test]
fn a_set_that_is_not_finished_leaves_the_old_one() {
    let dir = Dir::new();
    let target = dir.path("reports");
    publish(&target, &[("savings.html", "1")]).unwrap();
    let folder = Folder::begin(&target).unwrap();
    fs::write(folder.unfinished().join("savings.html"), "2").unwrap();
    drop(folder);
    assert_eq!(dir.files(), owned(&[("reports/savings.html", "1")]));
    assert_eq!(fs::read_dir(dir.0.path()).unwrap().count(), 1, "nothing unfinished is left");
}

#[test]
fn files_of_others_stay() {
    let dir = Dir::new();
    let target = dir.path("reports");
    publish(&target, &[("savings.html", "1"), ("x/savings.html", "1")]).unwrap();
    fs::write(target.join("notes.txt"), "mine").unwrap();
    fs::write(target.join("x/letter.txt"), "mine").unwrap();
    // A report of that name, or a folder where a file of somebody else is, changes nothing.
    for path in ["notes.txt", "notes.txt/savings.html", "x/letter.txt"] {
        let error = publish(&target, &[("savings.html", "2"), (path, "2")]).unwrap_err();
        assert!(
            matches!(error, ReportError::InTheWay { .. } | ReportError::Write { .. }),
            "{path}: {error}"
        );
        assert_eq!(fs::read_to_string(target.join("savings.html")).unwrap(), "1", "{path}");
    }
    publish(&target, &[("savings.html", "2")]).unwrap();
    assert_eq!(
        dir.files(),
        owned(&[
            ("reports/notes.txt", "mine"),
            ("reports/savings.html", "2"),
            ("reports/x/letter.txt", "mine"),
        ])
    );
    fs::create_dir(target.join("savings.md")).unwrap();
    fs::write(target.join("savings.md/deep.txt"), "mine").unwrap();
    let error = publish(&target, &[("savings.md", "3")]).unwrap_err();
    assert!(matches!(error, ReportError::InTheWay { .. }), "{error}");
    assert_eq!(fs::read_to_string(target.join("savings.md/deep.txt")).unwrap(), "mine");
}

#[cfg(unix)]
#[test]
fn a_link_stands_for_the_folder_it_leads_to() {
    let dir = Dir::new();
    fs::create_dir(dir.path("real")).unwrap();
    std::os::unix::fs::symlink(dir.path("real"), dir.path("link")).unwrap();
    publish(&dir.path("link"), &[("savings.html", "1")]).unwrap();
    assert!(fs::symlink_metadata(dir.path("link")).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(dir.path("real/savings.html")).unwrap(), "1");
    std::os::unix::fs::symlink(dir.path("nowhere"), dir.path("dangling")).unwrap();
    assert!(publish(&dir.path("dangling"), &[]).is_err());
    fs::write(dir.path("file"), "mine").unwrap();
    assert!(matches!(publish(&dir.path("file"), &[]), Err(ReportError::NoFolder { .. })));
}

#[test]
fn a_folder_of_something_else_is_refused_before_anything_is_made() {
    let dir = Dir::new();
    let target = dir.path("home");
    fs::create_dir(&target).unwrap();
    fs::write(target.join("thesis.txt"), "years").unwrap();
    let error = publish(&target, &[("savings.html", "1")]).unwrap_err();
    assert!(matches!(&error, ReportError::Foreign { file, .. } if file == "thesis.txt"), "{error}");
    assert_eq!(dir.files(), owned(&[("home/thesis.txt", "years")]));

    fs::write(target.join(MANIFEST_NAME), "{}").unwrap();
    let error = publish(&target, &[("savings.html", "1")]).unwrap_err();
    assert!(matches!(error, ReportError::Manifest { .. }), "{error}");
    fs::write(target.join(MANIFEST_NAME), "not json").unwrap();
    assert!(matches!(publish(&target, &[]), Err(ReportError::Manifest { .. })));
    assert_eq!(fs::read_dir(dir.0.path()).unwrap().count(), 1);

    let empty = dir.path("empty");
    fs::create_dir(&empty).unwrap();
    publish(&empty, &[("savings.html", "1")]).unwrap();
}

#[test]
fn where_folders_cannot_be_exchanged_two_steps_do() {
    let dir = Dir::new();
    for (name, text) in [("new", "2"), ("old", "1")] {
        fs::create_dir(dir.path(name)).unwrap();
        fs::write(dir.path(name).join("f"), text).unwrap();
    }
    exchange_in_steps(&dir.path("new"), &dir.path("old")).unwrap();
    assert_eq!(dir.files(), owned(&[("new/f", "1"), ("old/f", "2")]));
    // The new one is gone: the old one is put back.
    fs::remove_dir_all(dir.path("new")).unwrap();
    exchange_in_steps(&dir.path("new"), &dir.path("old")).unwrap_err();
    assert_eq!(dir.files(), owned(&[("old/f", "2")]));
}

#[test]
fn only_what_is_long_left_is_swept() {
    let dir = Dir::new();
    let target = dir.path("reports");
    let (old, new) = (dir.path(".reports.unfinished-a"), dir.path(".reports.unfinished-b"));
    let other = dir.path(".other.unfinished-a");
    for folder in [&old, &new, &other] {
        fs::create_dir(folder).unwrap();
    }
    let long_ago = std::time::SystemTime::now() - 2 * LEFT_OVER_AFTER;
    for folder in [&old, &other] {
        fs::File::open(folder).unwrap().set_modified(long_ago).unwrap();
    }
    let folder = Folder::begin(&target).unwrap();
    assert!(!old.exists() && new.exists() && other.exists());
    let own = folder.unfinished().to_owned();
    drop(folder);
    assert!(!own.exists());
}

#[test]
fn the_root_of_a_disk_is_refused() {
    let error = Folder::begin(Path::new("/proc")).err().unwrap();
    assert!(
        matches!(error, ReportError::Foreign { .. } | ReportError::MountPoint { .. }),
        "{error}"
    );
    assert!(matches!(Folder::begin(Path::new("/")), Err(ReportError::MountPoint { .. })));
}

#[cfg(unix)]
#[test]
fn permissions_and_empty_folders_stay() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = Dir::new();
    let target = dir.path("reports");
    publish(&target, &[("x/savings.html", "1")]).unwrap();
    fs::create_dir_all(target.join("mine/empty")).unwrap();
    fs::write(target.join("mine/note.txt"), "n").unwrap();
    let allow = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    allow(&target, 0o700);
    allow(&target.join("x"), 0o750);
    allow(&target.join("mine"), 0o500);
    publish(&target, &[("x/savings.html", "2"), ("y/savings.html", "2")]).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&target), 0o700);
    assert_eq!(mode(&target.join("x")), 0o750);
    assert_eq!(mode(&target.join("mine")), 0o500);
    assert!(target.join("mine/empty").is_dir());
    allow(&target.join("mine"), 0o700);
    // An emptied folder of the old set goes with it.
    publish(&target, &[("y/savings.html", "3")]).unwrap();
    assert!(!target.join("x").exists());
}

#[test]
fn a_file_in_the_way_is_told_as_soon_as_its_name_is_known() {
    let dir = Dir::new();
    let target = dir.path("reports");
    publish(&target, &[("savings.html", "1")]).unwrap();
    fs::write(target.join("unused.html"), "mine").unwrap();
    let folder = Folder::begin(&target).unwrap();
    assert!(folder.check("savings.html").is_ok() && folder.check("other.html").is_ok());
    let error = folder.check("unused.html").unwrap_err();
    assert!(matches!(error, ReportError::InTheWay { .. }), "{error}");
    // What another run put there meanwhile is a set's.
    publish(&target, &[("savings.html", "2"), ("later.html", "2")]).unwrap();
    assert!(folder.check("later.html").is_ok());
}

#[test]
fn a_set_left_aside_is_put_back() {
    let dir = Dir::new();
    let target = dir.path("reports");
    publish(&target, &[("savings.html", "1")]).unwrap();
    fs::write(target.join("note.txt"), "mine").unwrap();
    // Where two folders cannot be exchanged, and the run ends between two steps.
    fs::rename(&target, dir.path(".reports.unfinished-0-old")).unwrap();
    publish(&target, &[("savings.html", "2")]).unwrap();
    assert_eq!(dir.files(), owned(&[("reports/note.txt", "mine"), ("reports/savings.html", "2")]));
}
