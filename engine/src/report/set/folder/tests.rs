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
    publish(&target, &[("savings.html", "2"), ("notes.txt", "a report of that name")]).unwrap();
    assert_eq!(
        dir.files(),
        owned(&[
            ("reports/notes.txt", "a report of that name"),
            ("reports/savings.html", "2"),
            ("reports/x/letter.txt", "mine"),
        ])
    );
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
fn what_a_killed_run_left_is_swept() {
    let dir = Dir::new();
    let target = dir.path("reports");
    // No process has this number: they end at 4194304.
    let left = dir.path(&format!(".reports.{UNFINISHED}4999999"));
    let own = dir.path(&format!(".reports.{UNFINISHED}{}", std::process::id()));
    let other = dir.path(&format!(".other.{UNFINISHED}4999999"));
    for folder in [&left, &other] {
        fs::create_dir(folder).unwrap();
    }
    let folder = Folder::begin(&target).unwrap();
    assert!(!left.exists() && own.exists() && other.exists());
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
