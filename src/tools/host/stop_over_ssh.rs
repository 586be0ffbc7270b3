//! Stopping a process of another host: what runs there is listed and chosen from here, and the script that stops it looks
//! first whether it still is that process.

use std::collections::BTreeSet;

use tokio_util::sync::CancellationToken;

use super::chosen::{Candidates, Found, LONGEST, Which, enough, started, user};
use super::over_ssh::{parse_look, parse_units};
use super::protected;
use crate::domain::{FailureKind, Output, ToolResult};
use crate::ports::Invocation;
use crate::tools::remote::{NamedHost, Sections, script_of};

/// Longest that stopping may take: 10 s to end when asked, as long when killed.
const PATIENCE_SECONDS: u64 = 40;
const GONE: i32 = 3;
const STAYS: i32 = 4;
const MAY_NOT: i32 = 5;

/// Prints the units, the memory, the processes that this look itself runs in, and all processes twice.
const LIST: &str = r#"
mark=$1
part() { printf '\n%s %s\n' "$mark" "$1"; }
look() { cat /proc/uptime; cat /proc/[0-9]*/stat 2>/dev/null; }
part units; getconf CLK_TCK; getconf PAGESIZE
part memory; cat /proc/meminfo
part spared
own=$$
while [ "$own" -gt 1 ]; do
  echo "$own"
  stat=$(cat "/proc/$own/stat") || break
  stat=${stat##*") "}; stat=${stat#* }; own=${stat%% *}
done
part before; look
sleep 1
part after; look
exit 0
"#;

/// Prints what a card says of a process. Of its arguments only the first, and only where that is a file.
const DESCRIBE: &str = r#"
mark=$1
part() { printf '\n%s %s\n' "$mark" "$1"; }
cd "/proc/$2" 2>/dev/null || exit 3
part stat; cat stat || exit 3
part program; readlink exe || exit 3
part status; cat status || exit 3
part script
first=$(tr '\0' '\n' <cmdline | sed -n 2p)
case $first in /*) [ -f "$first" ] && printf '%s' "$first" ;; esac
exit 0
"#;

/// Stops the process with this id that started then. Nothing comes between the look and the signal but the shell itself.
const STOP: &str = r#"
pid=$1 since=$2
is_there() {
  stat=$(cat "/proc/$pid/stat" 2>/dev/null) || return 1
  set -f
  set -- ${stat##*") "}
  case $1 in Z | X) return 1 ;; esac
  shift 19
  [ "$1" = "$since" ]
}
ends() {
  tries=0
  while is_there; do
    [ "$tries" -lt 10 ] || return 1
    tries=$((tries + 1)); sleep 1
  done
}
is_there || exit 3
kill -TERM "$pid" || exit 5
ends && { echo ended; exit 0; }
is_there && { kill -KILL "$pid" || exit 5; }
ends && { echo killed; exit 0; }
exit 4
"#;

/// The process that is meant; `None` where there is none.
pub(super) async fn find(host: &NamedHost, which: Which, name: Option<&str>) -> Result<Option<Found>, ToolResult> {
    let (sections, uncut) = (Sections::random(), CancellationToken::new());
    let seen = host.look(LIST, &[sections.mark()], &uncut).await?;
    let parts = sections.split(&seen.bytes);
    let Some(candidates) = candidates(&parts, which) else {
        let summary = format!("what runs on {} cannot be read; that needs Linux with /proc", host.name);
        return Err(ToolResult::failure(FailureKind::Failed, summary));
    };
    let Some(id) = candidates.choose(which, name) else { return Ok(None) };
    let seen = host.look(DESCRIBE, &[sections.mark(), &id.to_string()], &uncut).await?;
    Ok((seen.code == 0).then(|| found(id, &sections.split(&seen.bytes))).flatten())
}

fn candidates(parts: &[(String, &[u8])], which: Which) -> Option<Candidates> {
    let part = |name: &str| Sections::text(parts, name);
    let units = parse_units(&part("units")?)?;
    let memory = part("memory")?;
    let memory = *super::memory::parse_meminfo(&memory).get("MemTotal")?;
    let mut spared: BTreeSet<u32> = part("spared")?.lines().filter_map(|line| line.parse().ok()).collect();
    let text = part("after")?;
    let (before, after) = (parse_look(&part("before")?)?, parse_look(&text)?);
    let kernel = text.lines().filter(|stat| protected::parent_in(stat) == Some(2));
    spared.extend(kernel.filter_map(|stat| stat.split(' ').next()?.parse::<u32>().ok()).chain([1, 2]));
    let watched = after.at.saturating_sub(before.at);
    let enough = enough(which, units, memory, watched);
    Some(Candidates { before: before.processes, after: after.processes, spared, enough })
}

fn found(id: u32, parts: &[(String, &[u8])]) -> Option<Found> {
    let part = |name: &str| Sections::text(parts, name);
    let stat = part("stat")?;
    let status = part("status")?;
    let script = part("script").filter(|script| !script.is_empty() && script.len() < LONGEST);
    Some(Found {
        id,
        name: super::processes::parse_stat(&stat)?.name,
        started: started(&stat)?,
        program: part("program")?.trim_end_matches('\n').to_owned(),
        script: script.map(|script| script.into_owned()),
        user: user(&status)?,
    })
}

/// Stops the process of an approved card.
pub(super) async fn stop(host: &NamedHost, (id, since): (u32, u64), invocation: &Invocation<'_>) -> ToolResult {
    let name = invocation.card.targets.first().map(|target| target.raw().to_owned()).unwrap_or_default();
    let argv = script_of(STOP, &[&id.to_string(), &since.to_string()]);
    // Cutting the connection off would leave nobody knowing whether it was stopped.
    let uncut = CancellationToken::new();
    let ran = match host.run(&argv, invocation.context, PATIENCE_SECONDS, invocation.output, &uncut).await {
        Ok(ran) => ran,
        Err(result) => return result,
    };
    let failed = |why: &str| {
        let failure = ToolResult::failure(FailureKind::Failed, format!("{name}: {why}"));
        ToolResult { output: ran.output.clone(), ..failure }
    };
    match ran.code {
        0 if ran.output.head.raw().contains("killed") => {
            ToolResult::success(format!("{name} was killed"), Output::default())
        }
        0 => ToolResult::success(format!("{name} ended"), Output::default()),
        GONE => ToolResult::success(format!("{name} had already ended"), Output::default()),
        STAYS => failed("it was killed and has not ended: it waits for a device"),
        MAY_NOT => failed(&format!("the user of {} may not stop it", host.destination)),
        code => failed(&format!("it could not be stopped, exit {code}")),
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Output};

    use super::*;

    fn shell(script: &str, arguments: &[&str]) -> Output {
        Command::new("sh").args(["-c", script, "sh"]).args(arguments).output().unwrap()
    }

    #[test]
    fn a_shell_describes_a_process_and_stops_that_one_only() {
        let mut child = Command::new("sleep").arg("1000").spawn().unwrap();
        let id = child.id().to_string();
        let sections = Sections::random();
        let told = shell(DESCRIBE, &[sections.mark(), &id]);
        let found = found(child.id(), &sections.split(&told.stdout)).unwrap();
        assert_eq!((found.name.as_str(), &found.script), ("sleep", &None));
        assert!(found.program.starts_with('/') && found.user.starts_with("user "), "{found:?}");

        let (since, another) = (found.started.to_string(), (found.started + 1).to_string());
        assert_eq!(shell(STOP, &[&id, &another]).status.code(), Some(GONE), "another process had this id");
        assert!(child.try_wait().unwrap().is_none());
        let stopped = shell(STOP, &[&id, &since]);
        assert_eq!((stopped.status.code(), stopped.stdout.as_slice()), (Some(0), &b"ended\n"[..]));
        child.wait().unwrap();
        assert_eq!(shell(STOP, &[&id, &since]).status.code(), Some(GONE));
        assert_eq!(shell(DESCRIBE, &[sections.mark(), &id]).status.code(), Some(3));
    }

    #[test]
    fn what_the_look_itself_runs_in_is_spared() {
        let sections = Sections::random();
        let listed = shell(LIST, &[sections.mark()]);
        let candidates = candidates(&sections.split(&listed.stdout), Which::Largest).unwrap();
        assert!(candidates.spared.contains(&std::process::id()) && candidates.spared.contains(&1));
        assert!(candidates.after.iter().any(|process| process.id == std::process::id()));
        assert!(candidates.enough > 0);
    }
}
