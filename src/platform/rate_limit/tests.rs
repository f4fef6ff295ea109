//! The limiter in-process and against a real Redis.

mod redis_server;

use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;
use crate::platform::crypto::MasterKeys;
use redis_server::RedisServer;

const MINUTE: Duration = Duration::from_secs(60);

fn noon() -> DateTime<Utc> {
    "2026-03-02T12:00:00Z".parse().unwrap()
}

fn rule(limit: u32) -> Rule {
    Rule::new("test", limit, MINUTE)
}

fn subject_key() -> BlindKey {
    MasterKeys::for_development().fingerprint_key("rate limit")
}

fn limiter(backend: Backend) -> RateLimiter {
    RateLimiter::new(backend, subject_key(), NonZeroUsize::new(1_000).unwrap())
}

/// A limiter over `server`, once that answers.
async fn shared(server: &RedisServer) -> RateLimiter {
    server.wait_until_it_answers().await;
    limiter(Backend::Redis(RedisBackend::new(&server.client()).unwrap()))
}

fn in_process() -> RateLimiter {
    limiter(Backend::InProcess)
}

/// Appends log lines to a buffer that the test reads.
struct LogWriter(Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

async fn spend(limiter: &RateLimiter, times: u32, rule: Rule, subject: &str, now: DateTime<Utc>) -> u32 {
    let mut allowed = 0;
    for _ in 0..times {
        allowed += u32::from(limiter.check(&[(rule, subject)], now).await.allowed);
    }
    allowed
}

/// What every backend must do; run for each.
async fn keeps_the_promises(limiter: &RateLimiter) {
    the_limit_holds_and_the_refusal_says_for_how_long(limiter).await;
    several_rules_count_all_or_nothing(limiter).await;
    failures_are_counted_and_peeking_is_free(limiter).await;
    a_refund_gives_back_what_a_check_took(limiter).await;
    a_clock_that_is_set_back_gives_nothing_away(limiter).await;
    several_at_once_count_all_or_nothing(limiter).await;
}

async fn several_at_once_count_all_or_nothing(limiter: &RateLimiter) {
    let (narrow, wide) = (Rule::new("narrow", 10, MINUTE), Rule::new("wide", 20, MINUTE));
    let charge = async |few: u32, many: u32, now| {
        limiter
            .charge(&[(narrow, "several", few), (wide, "several", many)], now)
            .await
    };
    assert!(charge(6, 1, noon()).await.allowed);
    let refused = charge(5, 1, noon()).await;
    assert_eq!(
        (
            refused.allowed,
            refused.rule,
            refused.remaining,
            refused.retry_after
        ),
        (false, "narrow", 4, MINUTE + MINUTE / 10)
    );
    let last = charge(4, 18, noon()).await;
    assert!(last.allowed, "what was refused counted in neither");
    assert_eq!(spend(limiter, 5, wide, "several", noon()).await, 1);
    let later = noon() + TimeDelta::seconds(66);
    assert!(charge(10, 20, later).await.allowed, "all of a window at once");
    assert!(
        !charge(11, 1, later + TimeDelta::hours(1)).await.allowed,
        "never more than the limit"
    );
}

async fn the_limit_holds_and_the_refusal_says_for_how_long(limiter: &RateLimiter) {
    let rule = rule(3);
    let first = limiter.check(&[(rule, "10.0.0.1")], noon()).await;
    assert_eq!(
        (first.allowed, first.limit, first.remaining, first.retry_after),
        (true, 3, 2, Duration::ZERO)
    );
    assert_eq!(spend(limiter, 5, rule, "10.0.0.1", noon()).await, 2);
    assert_eq!(
        spend(limiter, 1, rule, "10.0.0.2", noon()).await,
        1,
        "another subject has its own count"
    );

    let refused = limiter.check(&[(rule, "10.0.0.1")], noon()).await;
    assert_eq!(
        (refused.allowed, refused.remaining, refused.rule),
        (false, 0, "test")
    );
    assert_eq!(
        refused.retry_after,
        Duration::from_secs(66),
        "the window and one slice of six seconds"
    );
    let just_before = noon() + TimeDelta::milliseconds(65_999);
    assert!(!limiter.check(&[(rule, "10.0.0.1")], just_before).await.allowed);
    let in_time = noon() + TimeDelta::seconds(66);
    assert!(
        limiter.check(&[(rule, "10.0.0.1")], in_time).await.allowed,
        "as the refusal promised"
    );
}

async fn several_rules_count_all_or_nothing(limiter: &RateLimiter) {
    let narrow = Rule::new("narrow", 1, MINUTE);
    let wide = Rule::new("wide", 10, MINUTE);
    let both = [(narrow, "a"), (wide, "a")];
    let first = limiter.check(&both, noon()).await;
    assert_eq!(
        (first.allowed, first.rule, first.remaining),
        (true, "narrow", 0),
        "the tightest rule speaks"
    );
    for _ in 0..5 {
        let refused = limiter.check(&both, noon()).await;
        assert_eq!((refused.allowed, refused.rule), (false, "narrow"));
    }
    let wide_alone = limiter.peek(&[(wide, "a")], noon()).await;
    assert_eq!(
        wide_alone.remaining, 9,
        "refused requests were not counted in the wide rule"
    );
    assert!(
        limiter.check(&[], noon()).await.allowed,
        "without rules everything goes"
    );
}

async fn failures_are_counted_and_peeking_is_free(limiter: &RateLimiter) {
    let limits = RateLimits::default();
    let login = [
        (limits.login_failures_per_ip, "10.0.0.1"),
        (limits.login_failures_per_account, "ada"),
    ];
    for failures in 0..5 {
        for _ in 0..3 {
            assert!(
                limiter.peek(&login, noon()).await.allowed,
                "after {failures} failures"
            );
        }
        limiter.record_failure(&login, noon()).await;
    }
    let locked = limiter.peek(&login, noon()).await;
    assert!(
        !locked.allowed && locked.retry_after >= Duration::from_secs(15 * 60),
        "{locked:?}"
    );
    let from_elsewhere = [
        (limits.login_failures_per_ip, "10.0.0.9"),
        (limits.login_failures_per_account, "ada"),
    ];
    let refused = limiter.peek(&from_elsewhere, noon()).await;
    assert_eq!((refused.allowed, refused.rule), (false, "login_failures_account"));
    let later = noon() + TimeDelta::seconds(15 * 60 + 90);
    assert!(limiter.peek(&login, later).await.allowed);
}

async fn a_refund_gives_back_what_a_check_took(limiter: &RateLimiter) {
    let rules = [(Rule::new("refunds", 2, MINUTE), "a")];
    let earlier = noon() + TimeDelta::seconds(10);
    assert_eq!(spend(limiter, 2, rules[0].0, "a", earlier).await, 2);
    let later = noon() + TimeDelta::seconds(30);
    assert!(!limiter.peek(&rules, later).await.allowed);
    limiter.refund(&rules, earlier).await;
    assert_eq!(limiter.peek(&rules, later).await.remaining, 1);
    for _ in 0..5 {
        limiter.refund(&rules, earlier).await;
    }
    assert_eq!(
        limiter.peek(&rules, later).await.remaining,
        2,
        "never more than was taken"
    );
}

async fn a_clock_that_is_set_back_gives_nothing_away(limiter: &RateLimiter) {
    let rule = Rule::new("set_back", 2, MINUTE);
    assert_eq!(spend(limiter, 2, rule, "a", noon()).await, 2);
    assert_eq!(
        spend(limiter, 2, rule, "a", noon() - TimeDelta::hours(1)).await,
        0
    );
}

#[tokio::test]
async fn in_process_keeps_the_promises() {
    keeps_the_promises(&in_process()).await;
}

#[tokio::test]
async fn redis_keeps_the_promises() {
    let server = RedisServer::start();
    let limiter = shared(&server).await;
    keeps_the_promises(&limiter).await;
    assert!(!limiter.is_degraded(), "all of it was decided in Redis");
}

#[tokio::test]
async fn both_backends_answer_alike_over_a_long_random_walk() {
    let server = RedisServer::start();
    let (remote, local) = (shared(&server).await, in_process());
    let rules = [
        (Rule::new("short", 4, Duration::from_secs(7)), "a"),
        (Rule::new("long", 9, MINUTE), "a"),
    ];
    let mut now = noon();
    let mut state: u32 = 12_345;
    for step in 0..1_500 {
        // A small linear congruential generator: the same walk every time, sometimes a step back in time.
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        now += TimeDelta::milliseconds(i64::from(state >> 20) - 700);
        let (from_redis, from_process) = match (state >> 8) % 8 {
            0 => (
                remote.record_failure(&rules, now).await,
                local.record_failure(&rules, now).await,
            ),
            1 => (remote.peek(&rules, now).await, local.peek(&rules, now).await),
            2 => {
                remote.refund(&rules, now).await;
                local.refund(&rules, now).await;
                continue;
            }
            _ => (remote.check(&rules, now).await, local.check(&rules, now).await),
        };
        assert_eq!(from_redis, from_process, "step {step}");
    }
    assert!(!remote.is_degraded());
}

#[tokio::test]
async fn processes_share_one_count_through_redis_even_at_the_same_moment() {
    let server = RedisServer::start();
    let processes = [Arc::new(shared(&server).await), Arc::new(shared(&server).await)];
    let tasks: Vec<_> = (0..100)
        .map(|number: usize| {
            let limiter = processes[number % 2].clone();
            tokio::spawn(async move { limiter.check(&[(rule(40), "shared")], noon()).await.allowed })
        })
        .collect();
    let mut allowed = 0;
    for task in tasks {
        allowed += u32::from(task.await.unwrap());
    }
    assert_eq!(allowed, 40);
}

#[test]
fn threads_of_one_process_cannot_exceed_the_limit_together() {
    let limiter = in_process();
    let counters = [Rule::new("wide", 700, MINUTE), rule(500)].map(|rule| limiter.counter(rule, "a", 1));
    let allowed = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..200 {
                    let counts = limiter.in_process.apply(Action::Check, &counters, 0);
                    allowed.fetch_add(
                        u32::from(verdict(Action::Check, &counters, &counts).allowed),
                        Ordering::SeqCst,
                    );
                }
            });
        }
    });
    assert_eq!(allowed.load(Ordering::SeqCst), 500);
    let wide = limiter.in_process.apply(Action::Peek, &counters[..1], 0);
    assert_eq!(
        wide[0].before, 500,
        "what the second rule refused was taken back from the first"
    );
}

#[tokio::test]
async fn redis_holds_fingerprints_that_expire_and_no_addresses() {
    let server = RedisServer::start();
    let limiter = shared(&server).await;
    limiter
        .check(&[(RateLimits::default().ip_per_minute, "203.0.113.9")], noon())
        .await;
    limiter
        .record_failure(
            &[(
                RateLimits::default().login_failures_per_account,
                "ada@example.com",
            )],
            noon(),
        )
        .await;
    let keys = server.keys().await;
    assert_eq!(keys.len(), 2);
    let mut connection = server.client().get_multiplexed_async_connection().await.unwrap();
    for key in keys {
        assert!(!key.contains("203.0.113.9") && !key.contains("ada"), "{key}");
        let left: i64 = redis::cmd("PTTL")
            .arg(&key)
            .query_async(&mut connection)
            .await
            .unwrap();
        assert!(left > 0, "{key} must expire");
    }
}

#[tokio::test]
async fn an_outage_of_redis_is_survived_and_ended() {
    let mut server = RedisServer::start();
    let limiter = shared(&server).await;
    let rule = rule(3);
    assert_eq!(spend(&limiter, 2, rule, "a", noon()).await, 2);

    let log = Arc::new(std::sync::Mutex::new(Vec::new()));
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(move || LogWriter(writer.clone()))
        .finish();
    let _logging = tracing::subscriber::set_default(subscriber);

    server.stop();
    assert_eq!(
        spend(&limiter, 10, rule, "a", noon()).await,
        3,
        "counted in-process from here on"
    );
    assert!(limiter.is_degraded());
    spend(&limiter, 5, rule, "a", noon() + TimeDelta::seconds(10)).await;

    server.start_again();
    server.wait_until_it_answers().await;
    let too_early = noon() + TimeDelta::seconds(12);
    assert!(!limiter.check(&[(rule, "a")], too_early).await.allowed);
    assert!(limiter.is_degraded(), "Redis is left alone for a few seconds");

    let text = String::from_utf8(log.lock().unwrap().clone()).unwrap();
    assert_eq!(
        text.matches("Redis does not answer").count(),
        1,
        "one line per outage: {text}"
    );

    // The connection manager reconnects in the background, so the first attempt may still fail.
    let mut now = too_early;
    for _ in 0..50 {
        now += TimeDelta::seconds(4);
        limiter.check(&[(rule, "b")], now).await;
        if !limiter.is_degraded() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(!limiter.is_degraded(), "Redis is used again");
    assert_eq!(spend(&limiter, 10, rule, "c", now).await, 3);
    assert!(server.keys().await.iter().any(|key| key.starts_with("rl:test:")));
}

#[tokio::test]
async fn a_service_may_start_before_its_redis() {
    let client = redis::Client::open("redis+unix:///nonexistent/redis.sock").unwrap();
    let limiter = limiter(Backend::Redis(RedisBackend::new(&client).unwrap()));
    assert_eq!(spend(&limiter, 5, rule(3), "a", noon()).await, 3);
    assert!(limiter.is_degraded());
}

#[tokio::test]
async fn in_process_memory_is_bounded() {
    let limiter = RateLimiter::new(Backend::InProcess, subject_key(), NonZeroUsize::new(160).unwrap());
    for number in 0..5_000 {
        limiter.check(&[(rule(1), &number.to_string())], noon()).await;
    }
    assert!(limiter.in_process.len() <= 160, "{}", limiter.in_process.len());
    let much_later = noon() + TimeDelta::hours(1);
    for number in 0..100 {
        limiter
            .check(&[(rule(1), &format!("later {number}"))], much_later)
            .await;
    }
    assert!(limiter.in_process.len() < 160, "expired counters made room");
}

#[test]
fn a_window_of_zero_length_is_not_a_division_by_zero() {
    let odd = Rule::new("odd", 1, Duration::ZERO);
    assert_eq!(slices::slice_millis(&odd), 1);
    assert_eq!(
        slices::slice_millis(&Rule::new("odd", 1, Duration::from_millis(11))),
        2
    );
}

proptest! {
    /// The promise of the algorithm: no window of the rule's length holds more allowed requests than the
    /// limit, and nothing is refused that was not preceded by `limit` requests within the window and a
    /// slice.
    #[test]
    fn no_window_ever_holds_more_than_the_limit(
        steps in proptest::collection::vec((0_i64..4_000, 1_u32..4), 1..300),
        limit in 1_u32..20,
        window_millis in 10_u64..20_000,
    ) {
        let limiter = in_process();
        let rule = Rule::new("property", limit, Duration::from_millis(window_millis));
        let window = i64::try_from(window_millis).unwrap();
        let reach = slices::slice_millis(&rule) * 11;
        let mut allowed: Vec<i64> = Vec::new();
        let mut now = noon().timestamp_millis();
        for (step, amount) in steps {
            now += step;
            let amount = amount.min(limit);
            let counters = [limiter.counter(rule, "a", amount)];
            let counts = limiter.in_process.apply(Action::Check, &counters, now);
            let verdict = verdict(Action::Check, &counters, &counts);
            if verdict.allowed {
                allowed.extend((0..amount).map(|_| now));
                let in_window = allowed.iter().filter(|at| **at > now - window).count();
                prop_assert!(in_window <= usize::try_from(limit).unwrap());
            } else {
                let in_reach = allowed.iter().filter(|at| **at > now - reach).count();
                let wanted = usize::try_from(limit - amount).unwrap();
                prop_assert!(in_reach > wanted, "refused without need");
                let wait = i64::try_from(verdict.retry_after.as_millis()).unwrap();
                prop_assert!(wait > 0 && wait <= reach);
                let then = limiter.in_process.apply(Action::Peek, &counters, now + wait - 1);
                prop_assert!(then[0].before + amount > limit, "retry_after is not longer than needed");
                let then = limiter.in_process.apply(Action::Peek, &counters, now + wait);
                prop_assert!(then[0].before + amount <= limit, "retry_after is long enough");
            }
        }
    }
}
