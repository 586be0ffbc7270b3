//! Where nothing can be confined, nothing runs, and everybody is told why and what to do.

use std::path::PathBuf;

use morningai::domain::RungChoice;
use morningai::tools::process::Ending;
use morningai::tools::sandbox::{Rung, Sandbox, SandboxSettings};

use super::bench::{Bench, helper, rungs};

#[tokio::test]
async fn without_a_rung_nothing_runs() {
    let bench = Bench::new(RungChoice::Refuse);
    let refused = bench.run(&["touch", "ran"]).await;
    assert!(matches!(refused.ending, Ending::Unconfined { .. }), "{refused:?}");
    assert!(!bench.root().join("ran").exists());
    // The same call on a rung does run: the file is what would have told.
    let control = Bench::new(rungs()[0]);
    assert!(control.run(&["touch", "ran"]).await.ending.succeeded());
    assert!(control.root().join("ran").exists());
}

#[tokio::test]
async fn a_helper_that_does_not_confine_is_no_rung() {
    for helper in ["/bin/true", "/nonexistent/morningai"] {
        let settings = SandboxSettings { helper: Some(PathBuf::from(helper)), ..SandboxSettings::default() };
        let sandbox = Sandbox::detect(settings);
        let Rung::None { reason } = sandbox.rung().await else { panic!("{helper}: {:?}", sandbox.rung().await) };
        assert!(
            ["bubblewrap: ", "namespaces: ", "landlock+seccomp: "].iter().all(|rung| reason.contains(rung)),
            "{reason}"
        );
    }
}

#[tokio::test]
async fn the_best_rung_is_taken_and_the_report_names_every_one() {
    let helper = Some(helper());
    let sandbox = Sandbox::detect(SandboxSettings { helper: helper.clone(), ..SandboxSettings::default() });
    let (best, report) = (sandbox.rung().await.clone(), sandbox.report().await);
    let working = report.checks.iter().filter(|check| check.problem.is_none());
    let names: Vec<_> = working.map(|check| check.name).collect();
    assert_eq!((names.len(), names[0]), (rungs().len(), best.name()), "{report:?}");
    for choice in rungs() {
        let rung = match choice {
            RungChoice::Namespaces => Rung::Namespaces,
            RungChoice::Landlock => Rung::LandlockSeccomp,
            _ => continue,
        };
        let settings = SandboxSettings { helper: helper.clone(), choice, ..SandboxSettings::default() };
        let report = Sandbox::detect(settings).report().await;
        assert_eq!(report.rung, rung);
        assert_eq!(report.weaknesses.is_empty(), rung == Rung::Namespaces);
        assert!(report.checks[0].problem.is_some());
    }
}

#[tokio::test]
async fn the_file_systems_root_is_no_workspace() {
    for rung in rungs() {
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
