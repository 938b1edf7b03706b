//! The capabilities of a program, which are an extended attribute.

use crate::layer::overlay::ViewNode;

/// The capabilities that a program has or may inherit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    permitted: u64,
    inheritable: u64,
    is_effective: bool,
}

/// The names by their numbers, as in Linux.
const NAMES: [&str; 41] = [
    "cap_chown",
    "cap_dac_override",
    "cap_dac_read_search",
    "cap_fowner",
    "cap_fsetid",
    "cap_kill",
    "cap_setgid",
    "cap_setuid",
    "cap_setpcap",
    "cap_linux_immutable",
    "cap_net_bind_service",
    "cap_net_broadcast",
    "cap_net_admin",
    "cap_net_raw",
    "cap_ipc_lock",
    "cap_ipc_owner",
    "cap_sys_module",
    "cap_sys_rawio",
    "cap_sys_chroot",
    "cap_sys_ptrace",
    "cap_sys_pacct",
    "cap_sys_admin",
    "cap_sys_boot",
    "cap_sys_nice",
    "cap_sys_resource",
    "cap_sys_time",
    "cap_sys_tty_config",
    "cap_mknod",
    "cap_lease",
    "cap_audit_write",
    "cap_audit_control",
    "cap_setfcap",
    "cap_mac_override",
    "cap_mac_admin",
    "cap_syslog",
    "cap_wake_alarm",
    "cap_block_suspend",
    "cap_audit_read",
    "cap_perfmon",
    "cap_bpf",
    "cap_checkpoint_restore",
];

/// The number of a capability, with or without `cap_`.
pub fn number(name: &str) -> Option<u32> {
    let name = name.to_ascii_lowercase();
    let found = NAMES.iter().position(|known| *known == name || known[4..] == name);
    found.and_then(|place| u32::try_from(place).ok())
}

/// The capabilities of a file, if it has any.
pub fn of(node: ViewNode<'_>) -> Option<Capabilities> {
    let (_, value) = node.xattrs().iter().find(|(name, _)| name == b"security.capability")?;
    Capabilities::read(value)
}

impl Capabilities {
    /// Reads the attribute: a word with the revision, then permitted and inheritable ones, 32 bits each in turn.
    fn read(value: &[u8]) -> Option<Self> {
        const REVISION: u32 = 0xff00_0000;
        let word =
            |place: usize| value.get(place * 4..place * 4 + 4)?.try_into().ok().map(u32::from_le_bytes).map(u64::from);
        let first = u32::try_from(word(0)?).ok()?;
        let high = match first & REVISION {
            0x0100_0000 => (0, 0),
            0x0200_0000 | 0x0300_0000 => (word(3)?, word(4)?),
            _ => return None,
        };
        let (permitted, inheritable) = (word(1)? | high.0 << 32, word(2)? | high.1 << 32);
        Some(Self { permitted, inheritable, is_effective: first & 1 != 0 })
    }

    /// Whether a capability is among them.
    pub fn has(self, number: u32) -> bool {
        (self.permitted | self.inheritable) >> number & 1 != 0
    }
}

impl std::fmt::Display for Capabilities {
    /// As `getcap` writes them: `cap_net_admin,cap_net_raw=ep`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut groups: Vec<(String, Vec<String>)> = Vec::new();
        for number in (0..64).filter(|number| self.has(*number)) {
            let mut flags = String::new();
            flags.push_str(if self.is_effective { "e" } else { "" });
            flags.push_str(if self.inheritable >> number & 1 != 0 { "i" } else { "" });
            flags.push_str(if self.permitted >> number & 1 != 0 { "p" } else { "" });
            let name = NAMES.get(number as usize).map_or_else(|| number.to_string(), |name| (*name).to_owned());
            match groups.iter_mut().find(|(known, _)| *known == flags) {
                Some((_, names)) => names.push(name),
                None => groups.push((flags, vec![name])),
            }
        }
        let groups: Vec<String> = groups.iter().map(|(flags, names)| format!("{}={flags}", names.join(","))).collect();
        f.write_str(&groups.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_getcap_writes_them() {
        let ping = [1, 0, 0, 2, 0, 0x30, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let found = Capabilities::read(&ping).expect("capabilities");
        assert_eq!(found.to_string(), "cap_net_admin,cap_net_raw=ep");
        assert!(found.has(13) && !found.has(0));
        assert_eq!(number("CAP_NET_RAW"), Some(13));
        assert_eq!(number("net_raw"), Some(13));
        assert_eq!(number("raw"), None);
        for cut in 0..ping.len() {
            assert_eq!(Capabilities::read(&ping[..cut]), None);
        }
    }
}
