//! Runs the binary and compares what it says with a kept snapshot.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use costlake_engine::commit::{Lake, LakeTable};

/// A costlake command in an empty folder, without the developer's environment.
#[derive(Clone)]
pub struct Run {
    folder: Arc<tempfile::TempDir>,
    environment: Vec<(String, String)>,
}

/// What a command left behind.
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    /// With an empty lake at `./lake`.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lake");
        let lake = Lake::at(path.to_str().unwrap(), Default::default()).unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(lake.ensure_table(LakeTable::IngestRuns)).unwrap();
        Self { folder: Arc::new(folder), environment: Vec::new() }
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same folder with another environment.
    pub fn clone_with(&self, name: &str, value: &str) -> Self {
        self.clone().with(name, value)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// Copies a folder of `testdata` here.
    pub fn take(&self, folder: &str, name: &str) {
        let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("testdata");
        copy(&testdata.join(folder), &self.path(name));
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// File names in the folder, sorted; the lake is not among them.
    pub fn files(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != "lake")
            .collect();
        names.sort();
        names
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_costlake"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("HOME", self.folder.path())
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs with nothing on stdin.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with_input(arguments, "")
    }

    pub fn run_with_input(&self, arguments: &[&str], input: &str) -> Ended {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that does not read stdin may be gone already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let mut ended = Ended::from(child.wait_with_output().unwrap());
        // Messages name files in full, and the folder is another one each time.
        let folder = self.folder.path().to_str().unwrap();
        ended.stdout = ended.stdout.replace(folder, "[folder]");
        ended.stderr = ended.stderr.replace(folder, "[folder]");
        ended
    }
}

pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            std::fs::copy(from, to).unwrap();
        }
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ended {
    /// Compares with `tests/it/snapshots/<name>.txt`; `UPDATE_SNAPSHOTS=1`
    /// rewrites the file instead.
    pub fn is_snapshot(&self, name: &str) {
        let text = format!(
            "exit code: {}\n─── stdout ───\n{}─── stderr ───\n{}",
            self.code, self.stdout, self.stderr
        );
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/it/snapshots")
            .join(name)
            .with_extension("txt");
        if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, text).unwrap();
            return;
        }
        let kept = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}; set UPDATE_SNAPSHOTS=1", path.display()));
        assert_eq!(text, kept, "{name}: set UPDATE_SNAPSHOTS=1 if this is meant");
    }

    /// Whether the command did what it should, with nothing on stderr.
    #[track_caller]
    pub fn done(&self) -> &str {
        assert_eq!((self.code, self.stderr.as_str()), (0, ""));
        &self.stdout
    }
}
