//! The filter of system calls, an allow list on every rung. What it does not know is answered with ENOSYS, as by an
//! older kernel: callers then fall back to calls that can be judged (`clone` for `clone3`, `openat` for `openat2`,
//! plain I/O for io_uring). What it knows to be wrong is refused with EPERM.
//!
//! The lists are in [`super::calls`]; here is what they mean.

use std::collections::BTreeMap;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    sock_filter,
};

use super::calls;

/// What stands between a program and what the file system's walls do not cover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Surroundings {
    /// Nothing: no socket, no shared memory, no queue and no word of foreign files but by this filter.
    Bare,
    /// A network, IPC and processes of its own.
    Namespaces,
}

/// Whether memory in files without a name is counted; where it is not, none can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NamelessMemory {
    Counted,
    Uncounted,
}

const NAMESPACE_FLAGS: [i32; 7] = [
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWUTS,
];

/// Largest shared memory segment of System V: one that nobody is attached to is counted nowhere, and there can be
/// thousands. PostgreSQL, the one common user left, makes one of a few bytes.
const LARGEST_SEGMENT: u64 = 64 * 1024;

/// Installs the filters for this process and all it will start. `no_new_privs` must be set.
pub(super) fn restrict(surroundings: Surroundings, memory: NamelessMemory) -> Result<(), String> {
    // Of filters that refuse, the last one's error is what the caller gets.
    let mut programs = vec![compiled(allowed(memory)?, Otherwise::Refused(libc::ENOSYS))?];
    if surroundings == Surroundings::Bare {
        let attributes = calls::EXTENDED_ATTRIBUTES.iter().map(|&call| (call, Vec::new())).collect();
        programs.push(compiled(attributes, Otherwise::Allowed(libc::EOPNOTSUPP))?);
        programs.push(compiled(keeping_owners()?, Otherwise::Allowed(0))?);
    }
    programs.push(compiled(denied(surroundings)?, Otherwise::Allowed(libc::EPERM))?);
    programs.push(no_second_abi());
    for program in programs {
        seccompiler::apply_filter(&program).map_err(|error| format!("seccomp: {error}"))?;
    }
    Ok(())
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// What gets through, as far as the list of calls goes. A rule means that the arguments decide.
fn allowed(memory: NamelessMemory) -> Result<Rules, String> {
    let lists = [calls::ALLOWED, calls::ALLOWED_HERE, calls::DENIED];
    let mut rules: Rules = lists.concat().into_iter().map(|call| (call, Vec::new())).collect();
    let families = calls::REQUEST_FAMILIES.iter().map(|&(mask, value)| (SeccompCmpOp::MaskedEq(mask), value));
    let requests = families.chain(calls::REQUESTS.iter().map(|&request| (SeccompCmpOp::Eq, request)));
    let requests = requests.map(|(operator, value)| rule(vec![condition(1, operator, value)?]));
    rules.insert(libc::SYS_ioctl, requests.collect::<Result<_, _>>()?);
    let ways = calls::PERSONALITIES.iter().map(|&way| equal(0, way)).collect::<Result<_, _>>()?;
    rules.insert(libc::SYS_personality, ways);
    if memory == NamelessMemory::Uncounted {
        rules.remove(&libc::SYS_memfd_create);
    }
    Ok(rules)
}

fn denied(surroundings: Surroundings) -> Result<Rules, String> {
    let mut rules = set_identity_bits()?;
    let mut refuse = |call: i64, rule: SeccompRule| rules.entry(call).or_default().push(rule);
    for flag in NAMESPACE_FLAGS {
        refuse(libc::SYS_clone, any_bit(0, flag as u64)?);
    }
    for &request in calls::TERMINAL_INJECTIONS {
        refuse(libc::SYS_ioctl, equal(1, request)?);
    }
    for request in calls::FILE_REQUESTS {
        refuse(libc::SYS_fcntl, equal(1, request as u64)?);
    }
    for (call, argument, bit) in calls::HUGE_PAGES {
        refuse(call, any_bit(argument, bit)?);
    }
    for &(call, process) in calls::NAMING_A_PROCESS {
        refuse(call, unequal(process, 0)?);
    }
    // Both name a process only by a kind of name and a number.
    for (call, kind) in [(libc::SYS_setpriority, libc::PRIO_PROCESS as u64), (libc::SYS_ioprio_set, IOPRIO_PROCESS)] {
        refuse(call, unequal(0, kind)?);
        refuse(call, unequal(1, 0)?);
    }
    refuse(libc::SYS_prctl, equal(0, calls::SHARE_A_CORE)?);
    let large = SeccompCondition::new(1, SeccompCmpArgLen::Qword, SeccompCmpOp::Gt, LARGEST_SEGMENT);
    refuse(libc::SYS_shmget, rule(vec![large.map_err(|error| error.to_string())?])?);
    refuse(libc::SYS_socket, other_family()?);
    if surroundings == Surroundings::Bare {
        for &(call, owner) in calls::OWNER_CHANGES {
            rules.insert(call, another_owner(owner)?);
        }
        rules.extend(calls::UNGUARDED_BY_LANDLOCK.iter().map(|&call| (call, Vec::new())));
    }
    rules.extend(calls::DENIED.iter().map(|&call| (call, Vec::new())));
    Ok(rules)
}

const IOPRIO_PROCESS: u64 = 1;
/// Leaves the owner or the group as it is.
const UNCHANGED: u64 = 0xffff_ffff;

/// Changes of ownership that change nothing, which is all that a program without privileges asks for (as `tar` and
/// `npm` do when they believe to be root). Landlock lets them through to any file, and the kernel takes the
/// opportunity to clear set-user-id bits; so they are answered with success and not made.
fn keeping_owners() -> Result<Rules, String> {
    Ok(calls::OWNER_CHANGES.iter().map(|&(call, _)| (call, Vec::new())).collect())
}

/// Matches giving a file to another owner or group.
fn another_owner(owner: u8) -> Result<Vec<SeccompRule>, String> {
    let user = u64::from(rustix::process::geteuid().as_raw());
    let group = u64::from(rustix::process::getegid().as_raw());
    let other = |argument, own| {
        rule(vec![condition(argument, SeccompCmpOp::Ne, UNCHANGED)?, condition(argument, SeccompCmpOp::Ne, own)?])
    };
    Ok(vec![other(owner, user)?, other(owner + 1, group)?])
}

/// Matches what gives a file the set-user-id or set-group-id bit: left in a workspace, such a program would lend
/// its owner's identity to whoever runs it later.
fn set_identity_bits() -> Result<Rules, String> {
    let bits = [libc::S_ISUID, libc::S_ISGID].map(u64::from);
    let mut rules = Rules::new();
    for (call, mode) in calls::MODE_CHANGES.iter().copied() {
        rules.insert(call, bits.iter().map(|&bit| any_bit(mode, bit)).collect::<Result<_, _>>()?);
    }
    for (call, flags) in calls::OPENS.iter().copied() {
        // The mode means something only where a file is created.
        let creates = |bit| {
            let created = condition(flags, SeccompCmpOp::MaskedEq(libc::O_CREAT as u64), libc::O_CREAT as u64)?;
            rule(vec![created, condition(flags + 1, SeccompCmpOp::MaskedEq(bit), bit)?])
        };
        rules.insert(call, bits.iter().map(|&bit| creates(bit)).collect::<Result<_, _>>()?);
    }
    Ok(rules)
}

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

fn unequal(argument: u8, value: u64) -> Result<SeccompRule, String> {
    rule(vec![condition(argument, SeccompCmpOp::Ne, value)?])
}

/// Arguments are compared as the kernel takes these: 32 bits, so that rubbish above them changes nothing.
fn condition(argument: u8, operator: SeccompCmpOp, value: u64) -> Result<SeccompCondition, String> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value).map_err(|error| error.to_string())
}

fn rule(conditions: Vec<SeccompCondition>) -> Result<SeccompRule, String> {
    SeccompRule::new(conditions).map_err(|error| error.to_string())
}

/// What a filter does with a call that its rules match, or do not.
enum Otherwise {
    /// The rules are what is allowed; the rest gets this error.
    Refused(i32),
    /// The rules get this error (none: success, and nothing done); the rest is allowed.
    Allowed(i32),
}

/// One filter. A process that calls by another ABI (32-bit calls on a 64-bit machine have other numbers) is killed.
fn compiled(rules: Rules, otherwise: Otherwise) -> Result<BpfProgram, String> {
    let architecture = std::env::consts::ARCH.try_into().map_err(|error| format!("seccomp: {error}"))?;
    let answer = |errno: i32| SeccompAction::Errno(errno as u32);
    let (mismatch, matched) = match otherwise {
        Otherwise::Refused(errno) => (answer(errno), SeccompAction::Allow),
        Otherwise::Allowed(errno) => (SeccompAction::Allow, answer(errno)),
    };
    let filter = SeccompFilter::new(rules, mismatch, matched, architecture);
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
    fn the_filters_compile_and_fit() {
        for surroundings in [Surroundings::Bare, Surroundings::Namespaces] {
            let refusing = compiled(denied(surroundings).unwrap(), Otherwise::Allowed(libc::EPERM)).unwrap();
            assert!(refusing.len() < 4_096, "{} instructions", refusing.len());
        }
        for memory in [NamelessMemory::Counted, NamelessMemory::Uncounted] {
            let allowing = compiled(allowed(memory).unwrap(), Otherwise::Refused(libc::ENOSYS)).unwrap();
            assert!(allowing.len() < 4_096, "{} instructions", allowing.len());
        }
    }

    #[test]
    fn what_landlock_does_not_guard_is_refused_where_there_are_no_namespaces_whatever_the_arguments() {
        let bare = denied(Surroundings::Bare).unwrap();
        assert!(calls::UNGUARDED_BY_LANDLOCK.iter().all(|call| bare[call].is_empty()));
        assert!(!denied(Surroundings::Namespaces).unwrap()[&libc::SYS_socket].is_empty());
    }

    #[test]
    fn no_call_is_both_allowed_and_refused() {
        let twice = calls::DENIED.iter().find(|call| [calls::ALLOWED, calls::ALLOWED_HERE].concat().contains(call));
        assert_eq!(twice, None);
    }
}
