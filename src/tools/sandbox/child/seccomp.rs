//! System calls no confined program gets, on either rung: those that leave the walls, widen the kernel's attack
//! surface, or reach other processes.
//!
//! A deny-list on purpose: the walls are the namespaces or Landlock, and an allow-list would break compilers with
//! every new kernel. Only the sockets of the Landlock rung depend on this filter alone.

use std::collections::BTreeMap;

use seccompiler::BpfProgram;
use seccompiler::SeccompAction;
use seccompiler::SeccompCmpArgLen;
use seccompiler::SeccompCmpOp;
use seccompiler::SeccompCondition;
use seccompiler::SeccompFilter;
use seccompiler::SeccompRule;
use seccompiler::sock_filter;

/// Which sockets may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sockets {
    /// Pairs of connected ones only: nothing stands between a socket and the network.
    PairsOnly,
    /// Those that stay inside a private network.
    InNamespace,
}

/// Refused with EPERM whatever the arguments.
const DENIED: &[i64] = &[
    libc::SYS_acct,
    libc::SYS_add_key,
    libc::SYS_bpf,
    libc::SYS_chroot,
    libc::SYS_delete_module,
    libc::SYS_fanotify_init,
    libc::SYS_finit_module,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_init_module,
    libc::SYS_kcmp,
    libc::SYS_kexec_file_load,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_lookup_dcookie,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    libc::SYS_open_tree,
    libc::SYS_perf_event_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pivot_root,
    libc::SYS_process_madvise,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    libc::SYS_quotactl,
    libc::SYS_reboot,
    libc::SYS_request_key,
    libc::SYS_setdomainname,
    libc::SYS_sethostname,
    libc::SYS_setns,
    libc::SYS_settimeofday,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_syslog,
    libc::SYS_umount2,
    libc::SYS_unshare,
    libc::SYS_userfaultfd,
    libc::SYS_vhangup,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
];

/// Extended attributes: Landlock does not guard them, so on its rung a program could change them anywhere.
const UNGUARDED_BY_LANDLOCK: &[i64] = &[
    libc::SYS_fremovexattr,
    libc::SYS_fsetxattr,
    libc::SYS_lremovexattr,
    libc::SYS_lsetxattr,
    libc::SYS_removexattr,
    libc::SYS_setxattr,
];

/// Calls newer than the C library's table, by the number they have on every architecture we run on.
const SYS_FCHMODAT2: i64 = 452;
const SYS_SETXATTRAT: i64 = 463;
const SYS_REMOVEXATTRAT: i64 = 466;

/// Answered with ENOSYS, as by an older kernel: callers then fall back to calls whose arguments can be judged
/// (`clone` for `clone3`, `openat` for `openat2`) or that are not a second way around this filter (plain I/O for
/// io_uring).
const ABSENT: &[i64] = &[
    libc::SYS_clone3,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
    libc::SYS_openat2,
    SYS_FCHMODAT2,
    SYS_REMOVEXATTRAT,
    SYS_SETXATTRAT,
];

const NAMESPACE_FLAGS: [i32; 7] = [
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWUTS,
];

/// Requests that put words into a terminal's mouth.
const TERMINAL_INJECTIONS: [u64; 2] = [libc::TIOCSTI, libc::TIOCLINUX];

/// Installs the filters for this process and all it will start. `no_new_privs` must be set.
pub(super) fn restrict(sockets: Sockets) -> Result<(), String> {
    let absent = ABSENT.iter().map(|&call| (call, Vec::new())).collect();
    for program in [compiled(absent, libc::ENOSYS)?, compiled(denied(sockets)?, libc::EPERM)?, no_second_abi()] {
        seccompiler::apply_filter(&program).map_err(|error| format!("seccomp: {error}"))?;
    }
    Ok(())
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

fn denied(sockets: Sockets) -> Result<Rules, String> {
    let mut rules: Rules = DENIED.iter().map(|&call| (call, Vec::new())).collect();
    let flags = NAMESPACE_FLAGS.iter().map(|&flag| any_bit(0, flag as u64)).collect::<Result<_, _>>()?;
    rules.insert(libc::SYS_clone, flags);
    let injections = TERMINAL_INJECTIONS.iter().map(|&request| equal(1, request)).collect::<Result<_, _>>()?;
    rules.insert(libc::SYS_ioctl, injections);
    rules.extend(set_identity_bits()?);
    match sockets {
        Sockets::PairsOnly => {
            rules.insert(libc::SYS_socket, Vec::new());
            rules.extend(UNGUARDED_BY_LANDLOCK.iter().map(|&call| (call, Vec::new())));
        }
        Sockets::InNamespace => {
            rules.insert(libc::SYS_socket, vec![other_family()?]);
        }
    }
    Ok(rules)
}

/// Matches what gives a file the set-user-id or set-group-id bit: left in a workspace, such a program would lend
/// its owner's identity to whoever runs it later.
fn set_identity_bits() -> Result<Rules, String> {
    let bits = [libc::S_ISUID, libc::S_ISGID].map(u64::from);
    let mut rules = Rules::new();
    for (call, mode) in MODE_CHANGES.iter().copied() {
        rules.insert(call, bits.iter().map(|&bit| any_bit(mode, bit)).collect::<Result<_, _>>()?);
    }
    for (call, flags) in OPENS.iter().copied() {
        // The mode means something only where a file is created.
        let creates = |bit| {
            let created = condition(flags, SeccompCmpOp::MaskedEq(libc::O_CREAT as u64), libc::O_CREAT as u64)?;
            rule(vec![created, condition(flags + 1, SeccompCmpOp::MaskedEq(bit), bit)?])
        };
        rules.insert(call, bits.iter().map(|&bit| creates(bit)).collect::<Result<_, _>>()?);
    }
    Ok(rules)
}

/// Calls that set a file's mode, and which argument the mode is.
const MODE_CHANGES: &[(i64, u8)] = &[
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_chmod, 1),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_creat, 1),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_mknod, 1),
    (libc::SYS_fchmod, 1),
    (libc::SYS_fchmodat, 2),
    (libc::SYS_mknodat, 2),
];

/// Calls that can create a file, and which argument the flags are; the mode is the next.
const OPENS: &[(i64, u8)] = &[
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_open, 1),
    (libc::SYS_openat, 2),
];

/// Matches every family of sockets but those that a network namespace holds: vsock, for one, leads to the host of
/// a virtual machine from any namespace.
fn other_family() -> Result<SeccompRule, String> {
    let inside = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];
    let conditions = inside.iter().map(|&family| condition(0, SeccompCmpOp::Ne, family as u64));
    rule(conditions.collect::<Result<_, _>>()?)
}

fn any_bit(argument: u8, bit: u64) -> Result<SeccompRule, String> {
    rule(vec![condition(argument, SeccompCmpOp::MaskedEq(bit), bit)?])
}

fn equal(argument: u8, value: u64) -> Result<SeccompRule, String> {
    rule(vec![condition(argument, SeccompCmpOp::Eq, value)?])
}

/// Arguments are compared as the kernel takes these: 32 bits, so that rubbish above them changes nothing.
fn condition(argument: u8, operator: SeccompCmpOp, value: u64) -> Result<SeccompCondition, String> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value).map_err(|error| error.to_string())
}

fn rule(conditions: Vec<SeccompCondition>) -> Result<SeccompRule, String> {
    SeccompRule::new(conditions).map_err(|error| error.to_string())
}

/// A filter that answers `rules` with `errno`, allows the rest, and kills a process that calls by another ABI
/// (32-bit calls on a 64-bit machine have other numbers).
fn compiled(rules: Rules, errno: i32) -> Result<BpfProgram, String> {
    let architecture = std::env::consts::ARCH.try_into().map_err(|error| format!("seccomp: {error}"))?;
    let answer = SeccompAction::Errno(errno as u32);
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, answer, architecture);
    filter.and_then(TryInto::try_into).map_err(|error| format!("seccomp: {error}"))
}

/// Denies the x32 calls of x86-64, which share its architecture and number every call a second time with this bit.
fn no_second_abi() -> BpfProgram {
    const X32_BIT: u32 = 0x4000_0000;
    let load_number = sock_filter { code: 0x20, jt: 0, jf: 0, k: 0 };
    let skip_unless_set = sock_filter { code: 0x45, jt: 0, jf: 1, k: X32_BIT };
    let answer = |k| sock_filter { code: 0x06, jt: 0, jf: 0, k };
    let deny = u32::from(SeccompAction::Errno(libc::ENOSYS as u32));
    vec![load_number, skip_unless_set, answer(deny), answer(u32::from(SeccompAction::Allow))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_filters_compile_and_fit() {
        for sockets in [Sockets::PairsOnly, Sockets::InNamespace] {
            let program = compiled(denied(sockets).unwrap(), libc::EPERM).unwrap();
            assert!(program.len() < 4_096, "{} instructions", program.len());
        }
    }

    #[test]
    fn on_the_landlock_rung_no_socket_can_be_made_whatever_its_family() {
        assert!(denied(Sockets::PairsOnly).unwrap()[&libc::SYS_socket].is_empty());
        assert!(!denied(Sockets::InNamespace).unwrap()[&libc::SYS_socket].is_empty());
    }
}
