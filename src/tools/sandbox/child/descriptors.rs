//! Keeps inherited descriptors from reaching the target: whatever our own parent left open would be a hole in
//! every wall.

use std::io;

/// Marks everything beyond standard input, output and error to be closed when another program is started.
pub(super) fn close_inherited_on_exec() -> io::Result<()> {
    let mut open = Vec::new();
    for entry in std::fs::read_dir("/proc/self/fd")? {
        open.extend(entry?.file_name().to_str().and_then(|name| name.parse::<i32>().ok()));
    }
    // The directory's own descriptor is among them and closed by now, which is the one failure to expect.
    for descriptor in open.into_iter().filter(|descriptor| *descriptor > 2) {
        mark(descriptor)?;
    }
    Ok(())
}

/// Unsafe because a number read from `/proc` has no owner that a safe type could lend from.
#[allow(unsafe_code)]
fn mark(descriptor: i32) -> io::Result<()> {
    // SAFETY: the descriptor is only used for `fcntl`, which fails with EBADF if it is closed. This process has one
    // thread, so nothing can close it and open another in between, and setting the flag owns nothing.
    let borrowed = unsafe { std::os::fd::BorrowedFd::borrow_raw(descriptor) };
    match rustix::io::fcntl_setfd(borrowed, rustix::io::FdFlags::CLOEXEC) {
        Ok(()) | Err(rustix::io::Errno::BADF) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
