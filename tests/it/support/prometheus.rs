//! A Prometheus of its own, ended with the test.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use super::machine::Machine;
use crate::story_incidents::{http, until};

pub struct Prometheus {
    child: Child,
    pub url: String,
}

impl Prometheus {
    /// `None` where this machine has no such program; `more` is added to its configuration, and `SELF` in that is its
    /// own address.
    pub fn start(machine: &Machine, more: &str) -> Option<Self> {
        // Free just now; if something else takes it meanwhile, the test fails.
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let more = more.replace("SELF", &free.to_string());
        let config = format!(
            "global:\n  evaluation_interval: 1s\n  scrape_interval: 1s\n  scrape_timeout: 1s\nrule_files: [rules.yml]\n{more}"
        );
        std::fs::write(machine.path("prometheus.yml"), config).unwrap();
        let child = Command::new("prometheus")
            .arg(format!("--config.file={}", machine.path("prometheus.yml").display()))
            .arg(format!("--storage.tsdb.path={}", machine.path("prometheus").display()))
            .arg(format!("--web.listen-address={free}"))
            .arg("--web.enable-lifecycle")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let started = Self { child: child.ok()?, url: format!("http://{free}") };
        until("a Prometheus", || http("GET", &format!("{}/-/ready", started.url), None, "").filter(|a| a.0 == 200));
        Some(started)
    }

    /// One that scrapes itself, once it has some samples.
    pub fn of_itself(machine: &Machine) -> Option<Self> {
        let jobs = "scrape_configs:\n  - job_name: prometheus\n    static_configs:\n      - targets: [\"SELF\"]\n";
        let started = Self::start(machine, jobs)?;
        let query = "/api/v1/query?query=count_over_time(prometheus_http_requests_total%5B1m%5D)%20%3E%204";
        until("samples", || {
            let (_, body) = http("GET", &format!("{}{query}", started.url), None, "")?;
            Some(()).filter(|()| body.contains("\"value\""))
        });
        Some(started)
    }

    pub fn rules(&self, machine: &Machine, text: &str) {
        std::fs::write(machine.path("rules.yml"), text).unwrap();
        assert_eq!(http("POST", &format!("{}/-/reload", self.url), None, "").unwrap().0, 200);
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
