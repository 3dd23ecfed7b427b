//! Folders that refuse writes, as far as this machine lets a test make them.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A folder that refuses writes until the value goes away.
pub(super) struct Mounted {
    path: PathBuf,
    undo: Undo,
}

enum Undo {
    /// Something is mounted on the folder.
    Unmount,
    /// The folders below it have lost a permission.
    Permit,
}

impl Mounted {
    /// The folder.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        match self.undo {
            // What is still in use goes away with its last user.
            Undo::Unmount => {
                succeeds(Command::new("umount").arg("-l").arg(&self.path));
            }
            Undo::Permit => set_modes(&self.path, 0o755),
        }
    }
}

/// The folder, read-only: by its permissions, or for a user whom they do not stop, mounted a second time.
pub(super) fn read_only(folder: &Path) -> Option<Mounted> {
    set_modes(folder, 0o555);
    if !takes_files(folder) {
        return Some(Mounted { path: folder.to_path_buf(), undo: Undo::Permit });
    }
    set_modes(folder, 0o755);
    let path = folder.with_extension("mounted");
    fs::create_dir(&path).ok()?;
    succeeds(Command::new("mount").args(["--bind", "-o", "ro"]).arg(folder).arg(&path)).then_some(())?;
    let mounted = Mounted { path, undo: Undo::Unmount };
    (!takes_files(&mounted.path)).then_some(mounted)
}

/// A disk of a few bytes, in memory, mounted below a folder.
pub(super) fn small_disk(folder: &Path, size: &str) -> Option<Mounted> {
    let path = folder.join("disk");
    fs::create_dir(&path).ok()?;
    let options = format!("size={size}");
    let mut mount = Command::new("mount");
    mount.args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(&path);
    succeeds(&mut mount).then_some(Mounted { path, undo: Undo::Unmount })
}

fn succeeds(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

fn takes_files(folder: &Path) -> bool {
    let path = folder.join("takes-files");
    let created = File::create(&path).is_ok();
    if created {
        fs::remove_file(&path).expect("what was created can be removed");
    }
    created
}

/// Sets the mode of a folder and of all folders below it.
fn set_modes(folder: &Path, mode: u32) {
    let is_folder = |path: &PathBuf| path.is_dir();
    let below = fs::read_dir(folder).map(|entries| entries.flatten().map(|entry| entry.path()).filter(is_folder));
    for folder in below.into_iter().flatten() {
        set_modes(&folder, mode);
    }
    // A folder that is not ours stays as it is; the caller tries whether it takes files.
    let _ = fs::set_permissions(folder, Permissions::from_mode(mode));
}
