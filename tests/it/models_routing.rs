//! Retries, fallback and cancellation, counted at the server.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use morningai::domain::{ModelFailureKind, TaskClass};
use morningai::models::{ApiKey, CallStyle, KeyError, ModelSettings, ProviderSettings, Timeouts};
use morningai::ports::Model;
use tokio_util::sync::CancellationToken;

use crate::models::{Seen, ask, request, router, settings};
use crate::support::scripted_model::{Script, ScriptedModel, Turn};

fn rate_limited(header: &str, value: &str) -> Turn {
    Turn::error(429, "slow down").header(header, value)
}

/// Two servers behind one route, the first asked first.
fn route_over(first: &ScriptedModel, second: &ScriptedModel) -> ModelSettings {
    let mut both = settings(first);
    let provider = ProviderSettings { base_url: second.base_url(), ..both.providers["local"].clone() };
    both.providers.insert("spare".to_owned(), provider);
    let mut entry = both.models["default"].clone();
    entry.provider = "spare".to_owned();
    both.models.insert("spare".to_owned(), entry);
    both.routes.insert(TaskClass::Code, vec!["default".to_owned(), "spare".to_owned()]);
    both
}

fn with_timeouts(server: &ScriptedModel, timeouts: Timeouts) -> ModelSettings {
    let mut settings = settings(server);
    settings.providers.get_mut("local").unwrap().timeouts = timeouts;
    settings.retry.attempts = 1;
    settings
}

#[tokio::test]
async fn a_rate_limit_is_waited_out_as_long_as_asked_and_no_request_is_made_twice() {
    let script = Script::new().turn(rate_limited("retry-after-ms", "120")).turn(Turn::text("now"));
    let server = ScriptedModel::start(script);
    let (seen, begun) = (Seen::default(), Instant::now());
    let reply = ask(&server, &seen).await.unwrap();
    assert_eq!(reply.text.raw(), "now");
    assert!(begun.elapsed() >= Duration::from_millis(120));
    assert_eq!(server.requests().len(), 2);
    assert_eq!(seen.notices(), ["local/scripted: rate limited, next try in 120 ms (2 of 3)"]);
}

#[tokio::test]
async fn a_wait_in_seconds_or_until_a_date_is_announced_and_can_be_cancelled() {
    let soon = (chrono::Utc::now() + chrono::Duration::seconds(4)).to_rfc2822().replace("+0000", "GMT");
    for value in ["4", &soon] {
        let server = ScriptedModel::start(Script::new().forever(rate_limited("retry-after", value)));
        let cancel = CancellationToken::new();
        let seen = Seen::tripping("next try in", &cancel);
        let begun = Instant::now();
        let failure = router(settings(&server)).complete(request(), &seen, cancel).await.unwrap_err();
        assert_eq!(failure.kind, ModelFailureKind::Cancelled);
        assert!(begun.elapsed() < Duration::from_secs(2), "the wait was not cut short");
        let [notice] = seen.notices().try_into().unwrap();
        assert!(notice.contains("next try in 4 s") || notice.contains("next try in 3 s"), "{notice}");
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_provider_that_wants_too_long_a_wait_is_left_alone() {
    let first = ScriptedModel::start(Script::new().forever(rate_limited("retry-after", "3600")));
    let second = ScriptedModel::start(Script::new().turn(Turn::text("from the spare")));
    let seen = Seen::default();
    let reply = router(route_over(&first, &second)).complete(request(), &seen, CancellationToken::new()).await.unwrap();
    assert_eq!((reply.text.raw(), reply.model.as_str()), ("from the spare", "spare/scripted"));
    assert_eq!((first.requests().len(), second.requests().len()), (1, 1));
    assert!(seen.notices()[0].starts_with("falling back to spare/scripted: local (http://"));
}

#[tokio::test]
async fn attempts_are_used_up_before_the_next_model_is_asked() {
    let first = ScriptedModel::start(Script::new().forever(Turn::error(503, "loading")));
    let second = ScriptedModel::start(Script::new().turn(Turn::text("from the spare")));
    let router = router(route_over(&first, &second));
    let reply = router.complete(request(), &Seen::default(), CancellationToken::new()).await.unwrap();
    assert_eq!(reply.model, "spare/scripted");
    assert_eq!((first.requests().len(), second.requests().len()), (3, 1));
}

/// What llama-server answers until it has read the model's file.
fn loading() -> Turn {
    Turn::error(503, "Loading model")
}

#[tokio::test]
async fn a_model_that_is_being_loaded_is_waited_for_beyond_the_attempts() {
    let mut script = Script::new();
    for _ in 0..7 {
        script = script.turn(loading());
    }
    let server = ScriptedModel::start(script.turn(Turn::text("loaded")));
    let seen = Seen::default();
    assert_eq!(ask(&server, &seen).await.unwrap().text.raw(), "loaded");
    assert_eq!((server.requests().len(), seen.notices().len()), (8, 7));
    let notice = &seen.notices()[6];
    assert!(notice.contains("Loading model; looking again in") && notice.ends_with("for 10 min at most"), "{notice}");
}

#[tokio::test]
async fn another_model_is_asked_rather_than_one_that_is_being_loaded() {
    let first = ScriptedModel::start(Script::new().forever(loading()));
    let second = ScriptedModel::start(Script::new().turn(Turn::text("from the spare")));
    let router = router(route_over(&first, &second));
    let reply = router.complete(request(), &Seen::default(), CancellationToken::new()).await.unwrap();
    assert_eq!((reply.model.as_str(), first.requests().len()), ("spare/scripted", 1));
}

#[tokio::test]
async fn a_template_that_refuses_the_request_is_asked_once_and_the_hint_fits_the_way_of_asking() {
    for (calls, advice) in [(CallStyle::Native, "`--jinja`"), (CallStyle::Schema, "--chat-template")] {
        let server = ScriptedModel::start(Script::new().forever(Turn::error(500, "tools param requires --jinja flag")));
        let mut settings = settings(&server);
        settings.models.get_mut("default").unwrap().calls = calls;
        let failure =
            router(settings).complete(request(), &Seen::default(), CancellationToken::new()).await.unwrap_err();
        assert_eq!((failure.kind, server.requests().len()), (ModelFailureKind::BadRequest, 1));
        assert!(failure.hint.contains(advice), "{}", failure.hint);
    }
}

#[tokio::test]
async fn when_every_model_fails_all_are_named_and_hope_is_kept() {
    let first = ScriptedModel::start(Script::new().forever(Turn::error(503, "loading")));
    let second = ScriptedModel::start(Script::new().forever(Turn::error(401, "no")));
    let router = router(route_over(&first, &second));
    let failure = router.complete(request(), &Seen::default(), CancellationToken::new()).await.unwrap_err();
    assert_eq!(failure.kind, ModelFailureKind::Provider, "trying again later can help");
    let message = failure.message.raw();
    assert!(message.contains("503: loading; then spare (http://") && message.ends_with("401: no"), "{message}");
}

#[tokio::test]
async fn a_conversation_that_is_too_long_goes_only_to_a_larger_model() {
    let first = ScriptedModel::start(Script::new().forever(Turn::error(400, "maximum context length is 4096 tokens")));
    let second = ScriptedModel::start(Script::new().forever(Turn::text("it fits")));
    let mut both = route_over(&first, &second);
    both.models.get_mut("default").unwrap().context_tokens = Some(4_096);
    both.models.get_mut("spare").unwrap().context_tokens = Some(4_096);
    let failure = router(both.clone()).complete(request(), &Seen::default(), CancellationToken::new()).await;
    assert_eq!(failure.unwrap_err().kind, ModelFailureKind::TooLong);
    assert_eq!(second.requests().len(), 0);

    both.models.get_mut("spare").unwrap().context_tokens = Some(32_768);
    let reply = router(both).complete(request(), &Seen::default(), CancellationToken::new()).await.unwrap();
    assert_eq!(reply.text.raw(), "it fits");
}

#[tokio::test]
async fn an_answer_that_breaks_off_starts_again_and_says_so() {
    for broken in [Turn::text("one two three four").cut_after(900), Turn::text("one two three four").ended_after(900)] {
        let server = ScriptedModel::start(Script::new().turn(broken).turn(Turn::text("whole")));
        let seen = Seen::default();
        let reply = ask(&server, &seen).await.unwrap();
        assert_eq!(reply.text.raw(), "whole", "nothing of the broken answer is left in the reply");
        assert!(seen.tokens().starts_with("one "));
        let [notice] = seen.notices().try_into().unwrap();
        assert!(notice.contains("the answer starts again from its beginning"), "{notice}");
        assert_eq!(server.requests().len(), 2);
    }
}

#[tokio::test]
async fn a_connection_lost_after_the_finish_reason_costs_nothing() {
    let whole = Turn::text("all of it").without_done();
    let length = whole.stream_bytes().len();
    let server = ScriptedModel::start(Script::new().turn(whole.cut_after(length - 1)));
    assert_eq!(ask(&server, &Seen::default()).await.unwrap().text.raw(), "all of it");
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_in_mid_stream_closes_the_connection() {
    let server = ScriptedModel::start(Script::new().turn(Turn::text("one two three").silent_after(900)));
    let cancel = CancellationToken::new();
    let seen = Seen::tripping("one", &cancel);
    let failure = router(settings(&server)).complete(request(), &seen, cancel).await.unwrap_err();
    assert_eq!(failure.kind, ModelFailureKind::Cancelled);
    server.wait_for_hangup();
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn silence_before_and_within_an_answer_ends_in_a_timeout() {
    let quick = Timeouts { connect: 5.0, first_token: 0.2, between_tokens: 0.2, whole: 30.0 };
    for (turn, words) in [
        (Turn::silence(), "did not begin to answer within 0.2 s"),
        (Turn::text("one two three").silent_after(900), "fell silent for 0.2 s in the middle of its answer"),
    ] {
        let server = ScriptedModel::start(Script::new().turn(turn));
        let router = router(with_timeouts(&server, quick));
        let failure = router.complete(request(), &Seen::default(), CancellationToken::new()).await.unwrap_err();
        assert_eq!(failure.kind, ModelFailureKind::Timeout);
        assert!(failure.message.raw().contains(words), "{failure:?}");
    }
}

#[tokio::test]
async fn a_server_that_keeps_the_line_open_after_the_end_is_not_waited_for_in_vain() {
    let quick = Timeouts { connect: 5.0, first_token: 5.0, between_tokens: 0.2, whole: 30.0 };
    let whole = Turn::text("all of it").without_done();
    let length = whole.stream_bytes().len();
    let server = ScriptedModel::start(Script::new().turn(whole.silent_after(length)));
    let router = router(with_timeouts(&server, quick));
    let reply = router.complete(request(), &Seen::default(), CancellationToken::new()).await.unwrap();
    assert_eq!(reply.text.raw(), "all of it");
}

#[tokio::test]
async fn a_key_is_fetched_once_on_first_use_and_its_absence_is_told() {
    let server = ScriptedModel::start(Script::new().forever(Turn::text("hi")));
    let fetched = Arc::new(AtomicUsize::new(0));
    let mut settings = settings(&server);
    let provider = settings.providers.get_mut("local").unwrap();
    provider.key = ApiKey::Fetched({
        let fetched = fetched.clone();
        Arc::new(move || {
            fetched.fetch_add(1, Ordering::SeqCst);
            Ok("  sk-from-a-vault\n".into())
        })
    });
    let from_vault = router(settings.clone());
    assert_eq!(fetched.load(Ordering::SeqCst), 0);
    for _ in 0..2 {
        from_vault.complete(request(), &Seen::default(), CancellationToken::new()).await.unwrap();
    }
    assert_eq!(fetched.load(Ordering::SeqCst), 1);
    assert_eq!(server.requests()[1].header("authorization"), Some("Bearer sk-from-a-vault"));

    let error = KeyError { message: "the vault is sealed".to_owned(), hint: "unseal it".to_owned() };
    settings.providers.get_mut("local").unwrap().key = ApiKey::Fetched(Arc::new(move || Err(error.clone())));
    let sealed = router(settings.clone());
    let failure = sealed.complete(request(), &Seen::default(), CancellationToken::new()).await.unwrap_err();
    assert_eq!((failure.kind, failure.hint.as_str()), (ModelFailureKind::Unauthorized, "unseal it"));

    settings.providers.get_mut("local").unwrap().key = ApiKey::Given("sk-ü\nand more".into());
    let garbled = router(settings);
    let failure = garbled.complete(request(), &Seen::default(), CancellationToken::new()).await.unwrap_err();
    assert!(failure.message.raw().ends_with("characters that cannot be sent") && failure.hint.contains("whole key"));
    assert_eq!(server.requests().len(), 2);
}
