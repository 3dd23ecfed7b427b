//! The operating system's user.

use std::fs;

/// The name of the user who runs this process, where the system keeps its users in `/etc/passwd`.
pub(crate) fn name() -> Option<String> {
    let users = fs::read_to_string("/etc/passwd").ok()?;
    name_of(&users, process_owner()?).map(str::to_owned)
}

/// The name behind a number in the form of `/etc/passwd`: `name:password:number:…`.
fn name_of(users: &str, number: u32) -> Option<&str> {
    let number = number.to_string();
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        (fields.nth(1) == Some(number.as_str())).then_some(name)
    })
}

/// Whom this process belongs to. Linux shows it as the owner of the process's own folder.
#[cfg(target_os = "linux")]
fn process_owner() -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").ok().map(|found| found.uid())
}

#[cfg(not(target_os = "linux"))]
fn process_owner() -> Option<u32> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_number() {
        let users = "root:x:0:0:root:/root:/bin/bash\n\nann:x:1000:1000::/home/ann:/bin/sh\n";
        assert_eq!(name_of(users, 0), Some("root"));
        assert_eq!(name_of(users, 1000), Some("ann"));
        assert_eq!(name_of(users, 100), None);
    }
}
