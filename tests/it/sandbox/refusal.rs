//! Where nothing can be confined, nothing runs, and everybody is told why and what to do.

use std::path::PathBuf;

use morningai::domain::RungChoice;
use morningai::tools::process::Ending;
use morningai::tools::sandbox::Rung;
use morningai::tools::sandbox::Sandbox;
use morningai::tools::sandbox::SandboxSettings;

use super::bench::Bench;
use super::bench::RUNGS;

#[tokio::test]
async fn without_a_rung_nothing_runs() {
    let bench = Bench::new(RungChoice::Refuse);
    let refused = bench.run(&["touch", "ran"]).await;
    assert!(matches!(refused.ending, Ending::Unconfined { .. }), "{refused:?}");
    assert!(!bench.root().join("ran").exists());
    // The same call on a rung does run: the file is what would have told.
    let control = Bench::new(RUNGS[0]);
    assert!(control.run(&["touch", "ran"]).await.ending.succeeded());
    assert!(control.root().join("ran").exists());
}

#[tokio::test]
async fn a_helper_that_does_not_confine_is_no_rung() {
    for helper in ["/bin/true", "/nonexistent/morningai"] {
        let settings = SandboxSettings { helper: Some(PathBuf::from(helper)), ..SandboxSettings::default() };
        let sandbox = Sandbox::detect(settings);
        let Rung::None { reason } = sandbox.rung().await else { panic!("{helper}: {:?}", sandbox.rung().await) };
        assert!(reason.contains("bubblewrap: ") && reason.contains("landlock+seccomp: "), "{reason}");
    }
}

#[tokio::test]
async fn the_best_rung_is_taken_and_the_report_names_every_one() {
    let helper = Some(PathBuf::from(env!("CARGO_BIN_EXE_morningai")));
    let sandbox = Sandbox::detect(SandboxSettings { helper: helper.clone(), ..SandboxSettings::default() });
    assert_eq!(sandbox.rung().await, &Rung::Bubblewrap);
    let report = sandbox.report().await;
    assert!(report.checks.iter().all(|check| check.problem.is_none()), "{report:?}");
    let choice = RungChoice::Landlock;
    let second = Sandbox::detect(SandboxSettings { helper, choice, ..SandboxSettings::default() });
    let report = second.report().await;
    assert_eq!(report.rung, Rung::LandlockSeccomp);
    assert!(!report.weaknesses.is_empty() && report.checks[0].problem.is_some());
}

#[tokio::test]
async fn the_file_systems_root_is_no_workspace() {
    for rung in RUNGS {
        let bench = Bench::new(rung);
        let workspace = morningai::domain::Workspace { root: "/".to_owned(), ..bench.workspace() };
        let argv = ["true".to_owned()];
        let cwd = PathBuf::from("/");
        let job = morningai::tools::process::Job {
            workspace: &workspace,
            argv: &argv,
            cwd: &cwd,
            env: &[],
            limits: bench.limits,
        };
        let sink = super::bench::Sink::default();
        let refused = morningai::tools::process::run(&bench.sandbox, job, &sink, &bench.cancel).await;
        assert!(matches!(refused.ending, Ending::Unconfined { .. }), "{rung:?}: {refused:?}");
    }
}
