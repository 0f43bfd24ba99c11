//! Running other programs: say what, run it, and turn a bad end into an error.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_path_buf()
}

/// The cargo that runs this task.
pub(crate) fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Runs it to its end. All that it says goes to standard error: standard output is for results.
///
/// # Errors
/// It could not be started, or did not end well.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    eprintln!("$ {}", describe(command));
    let status = command
        .stdout(std::io::stderr())
        .status()
        .with_context(|| format!("could not start `{}`", describe(command)))?;
    if !status.success() {
        bail!("`{}` ended with {status}", describe(command));
    }
    Ok(())
}

/// Becomes the other program: its signals, its output, its end.
///
/// # Errors
/// It could not be started; otherwise this does not come back.
pub(crate) fn become_program(command: &mut Command) -> Result<()> {
    let error = command.exec();
    Err(error).with_context(|| format!("could not start `{}`", describe(command)))
}

/// Runs it to its end and gives its standard output.
///
/// # Errors
/// It could not be started, did not end well, or wrote no UTF-8.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("could not start `{}`", describe(command)))?;
    if !output.status.success() {
        bail!("`{}` ended with {}", describe(command), output.status);
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Runs it to its end, showing each line of its standard output also to `line`. True: ended well.
///
/// # Errors
/// It could not be started or read.
pub(crate) fn watch(command: &mut Command, mut line: impl FnMut(&str)) -> Result<bool> {
    eprintln!("$ {}", describe(command));
    let mut child = command
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("could not start `{}`", describe(command)))?;
    if let Some(stdout) = child.stdout.take() {
        for text in BufReader::new(stdout).lines() {
            let text = text?;
            println!("{text}");
            line(&text);
        }
    }
    Ok(child.wait()?.success())
}

/// Whether the program can be started at all.
pub(crate) fn is_installed(program: &str, version_argument: &str) -> bool {
    Command::new(program)
        .arg(version_argument)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Whether there is such a program in the folders for programs, or such a path. Unlike
/// [`is_installed`] it starts nothing: daemons have no common word for "tell your version".
pub(crate) fn is_there(name: &str) -> bool {
    // Daemons lie in folders that are not on everybody's PATH.
    let daemons = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(daemons)
        // A whole path stands for itself, whatever it is joined to.
        .any(|folder| folder.join(name).exists())
}

fn describe(command: &Command) -> String {
    let mut words = vec![short_name(command)];
    words.extend(
        command
            .get_args()
            .map(|word| word.to_string_lossy().into_owned()),
    );
    words.join(" ")
}

fn short_name(command: &Command) -> String {
    let program = Path::new(command.get_program());
    program
        .file_name()
        .unwrap_or(program.as_os_str())
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_told_by_its_short_name() {
        let mut command = Command::new("/usr/bin/cargo");
        command.args(["fmt", "--check"]);
        assert_eq!(describe(&command), "cargo fmt --check");
    }

    #[test]
    fn a_bad_end_is_an_error_that_names_the_command() {
        let error = run(&mut Command::new("false")).unwrap_err();
        assert!(error.to_string().contains("`false`"), "{error}");
    }

    #[test]
    fn a_missing_program_is_not_installed() {
        assert!(is_installed("true", "--version"));
        assert!(!is_installed("no-such-program-of-adit", "--version"));
    }

    #[test]
    fn programs_are_found_without_being_started() {
        assert!(is_there("sh"));
        assert!(is_there("/usr"));
        assert!(!is_there("no-such-program-of-adit"));
        assert!(!is_there("/no/such/folder"));
    }

    #[test]
    fn watched_lines_arrive_in_order() {
        let mut lines = Vec::new();
        let well = watch(Command::new("printf").arg("one\ntwo\n"), |line| {
            lines.push(line.to_owned())
        });
        assert!(well.unwrap());
        assert_eq!(lines, ["one", "two"]);
    }
}
