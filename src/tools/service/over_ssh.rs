//! Services of another host: its own systemd or runit, asked by small scripts that get the service's name as an argument.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::manager::{How, Service, is_name, parse};
use crate::domain::{FailureKind, ToolResult};
use crate::ports::Invocation;
use crate::tools::remote::{NamedHost, script_of};

/// Longest that a service may take to restart, as on this machine.
const PATIENCE_SECONDS: u64 = 200;
/// How a script says that there is no such service.
const NO_SERVICE: i32 = 3;

/// Prints the manager's name, the time there, and how the service is.
const LOOK: &str = r#"
if [ -d /run/systemd/system ]; then
  case $1 in *.service) unit=$1 ;; *) unit=$1.service ;; esac
  echo systemd; date +%s
  exec systemctl --no-pager --no-ask-password show --timestamp=unix \
    --property=LoadState,ActiveState,SubState,MainPID,ActiveEnterTimestamp -- "$unit"
fi
supervise=${SVDIR:-/etc/service}/$1/supervise
[ -r "$supervise/stat" ] || exit 3
echo runit; date +%s
pid=$(cat "$supervise/pid")
[ -d "/proc/$pid" ] || pid=
echo "State=$(cat "$supervise/stat")"
echo "MainPID=$pid"
echo "Since=$(stat -c %Y "$supervise/pid")"
"#;

/// Restarts or reloads it, with sudo where that user needs it and may use it without a password.
const CHANGE: &str = r#"
as=
[ "$(id -u)" = 0 ] || ! sudo -n true 2>/dev/null || as='sudo -n'
if [ -d /run/systemd/system ]; then
  case $1 in *.service) unit=$1 ;; *) unit=$1.service ;; esac
  exec $as systemctl --no-pager --no-ask-password "$2" -- "$unit"
fi
exec $as sv -w 30 "$2" "${SVDIR:-/etc/service}/$1"
"#;

/// How a service is there.
pub(super) async fn look(host: &NamedHost, name: &str) -> Result<Service, ToolResult> {
    // Not to be taken for a service that is down.
    let unknown = |why: String| ToolResult::failure(FailureKind::BadCall, why);
    if !is_name(name) {
        return Err(unknown(format!("{name:?} is not the name of a service")));
    }
    let seen = host.look(LOOK, &[name], &CancellationToken::new()).await?;
    let said = seen.text();
    let on = &host.name;
    match seen.code {
        0 => read(name, &said).ok_or_else(|| unknown(format!("{on} has no service {name:?}"))),
        NO_SERVICE => Err(unknown(format!("{on} has no service {name:?}, in systemd or runit"))),
        code => Err(unknown(format!("the service cannot be looked at on {on}, exit {code}: {}", said.trim()))),
    }
}

/// What the change runs there, for the person who approves it.
pub(super) fn command(manager: &str, name: &str, order: &str) -> String {
    match manager {
        "systemd" => format!("systemctl {order} -- {name}"),
        _ => format!("sv {order} {name}"),
    }
}

/// How it gets the right to.
pub(super) const BY_SUDO: &str = "sudo -n, unless that user is root or may not use it without a password";

/// What [`LOOK`] printed; `None` where there is no such service.
fn read(name: &str, text: &str) -> Option<Service> {
    let (manager, rest) = text.split_once('\n')?;
    let (now, rest) = rest.split_once('\n')?;
    let now = Duration::from_secs(now.trim().parse().ok()?);
    if manager == "systemd" {
        return parse(name, rest, now);
    }
    let value = |key: &str| rest.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    let state = value("State")?.to_owned();
    let pid = value("MainPID").and_then(|pid| pid.parse().ok());
    let is_up = state.starts_with("run") && pid.is_some();
    let since = value("Since").and_then(|at| at.parse().ok()).map(Duration::from_secs);
    let up_for = since.filter(|_| is_up).map(|since| now.saturating_sub(since));
    Some(Service { name: name.to_owned(), manager: "runit", state, is_up, up_for, pid })
}

/// Restarts or reloads it there, as an approved card says.
pub(super) async fn change(
    host: &NamedHost,
    name: &str,
    how: How,
    invocation: &Invocation<'_>,
) -> Result<Service, ToolResult> {
    let order = if how == How::Restart { "restart" } else { "reload" };
    let argv = script_of(CHANGE, &[name, order]);
    // Cutting the connection off would leave nobody knowing whether it came up.
    let uncut = CancellationToken::new();
    let ran = host.run(&argv, invocation.context, PATIENCE_SECONDS, invocation.output, &uncut).await?;
    if ran.code != 0 {
        let summary = format!("{order} of {name} failed on {}, exit {}", host.name, ran.code);
        return Err(ToolResult { output: ran.output, ..ToolResult::failure(FailureKind::Failed, summary) });
    }
    // It was done; only how it is now is not known.
    let unknown =
        |why: ToolResult| ToolResult::success(format!("{name} was told to {order}; {}", why.summary.raw()), ran.output);
    look(host, name).await.map_err(unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_hosts_clock_says_for_how_long_a_service_is_up() {
        let runit = read("web", "runit\n1000100\nState=run\nMainPID=42\nSince=1000000\n").unwrap();
        assert_eq!((runit.is_up, runit.pid, runit.up_for), (true, Some(42), Some(Duration::from_secs(100))));
        let down = read("web", "runit\n1000100\nState=down\nMainPID=\nSince=1000000\n").unwrap();
        assert_eq!((down.is_up, down.pid, down.up_for), (false, None, None));
        let text = "systemd\n1000100\nLoadState=loaded\nActiveState=active\nSubState=running\nMainPID=7\n\
                    ActiveEnterTimestamp=@1000090\n";
        assert_eq!(read("web", text).unwrap().up_for, Some(Duration::from_secs(10)));
        assert_eq!(read("web", "systemd\n1\nLoadState=not-found\nActiveState=inactive\n"), None);
        assert_eq!(read("web", "Welcome to web3\n"), None);
    }
}
