//! Catches what is logged during a test: errors of everybody, and every line of the service itself down to TRACE, with
//! the fields of its spans. Tests run on one thread each, with their tasks.

use std::sync::{Arc, Mutex};

use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
    span,
    subscriber::DefaultGuard,
};
use tracing_subscriber::{
    Layer,
    filter::Targets,
    layer::{Context, SubscriberExt as _},
};

pub struct ErrorLog {
    lines: Lines,
    _guard: DefaultGuard,
}

/// Everything caught so far, with whether it is an error.
type Lines = Arc<Mutex<Vec<(bool, String)>>>;

impl ErrorLog {
    pub fn listen() -> Self {
        let lines = Lines::default();
        let whose = Targets::new()
            .with_default(LevelFilter::ERROR)
            .with_target("funnelchat", LevelFilter::TRACE);
        let subscriber = tracing_subscriber::registry().with(Catch(lines.clone()).with_filter(whose));
        Self {
            lines,
            _guard: tracing::subscriber::set_default(subscriber),
        }
    }

    /// The errors so far.
    pub fn taken(&self) -> Vec<String> {
        let lines = self.lines.lock().unwrap();
        lines
            .iter()
            .filter(|(error, _)| *error)
            .map(|(_, line)| line.clone())
            .collect()
    }

    /// Whether a line says this.
    pub fn contains(&self, words: &str) -> bool {
        let lines = self.lines.lock().unwrap();
        lines.iter().any(|(_, line)| line.contains(words))
    }

    /// How many lines say this.
    pub fn count(&self, words: &str) -> usize {
        let lines = self.lines.lock().unwrap();
        lines.iter().filter(|(_, line)| line.contains(words)).count()
    }

    /// Fails when a line says any of these: names, numbers and texts of debtors.
    #[track_caller]
    pub fn never_says<T: AsRef<str>>(&self, secrets: &[T]) {
        let lines = self.lines.lock().unwrap();
        for (_, line) in lines.iter() {
            for secret in secrets {
                let secret = secret.as_ref();
                assert!(!line.contains(secret), "the log says {secret:?}: {line}");
            }
        }
    }
}

struct Catch(Lines);

impl Catch {
    fn keep(&self, error: bool, line: Line) {
        self.0.lock().unwrap().push((error, line.0));
    }
}

impl<S: Subscriber> Layer<S> for Catch {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line(format!("{}:", event.metadata().target()));
        event.record(&mut line);
        self.keep(*event.metadata().level() == Level::ERROR, line);
    }

    fn on_new_span(&self, attributes: &span::Attributes<'_>, _: &span::Id, _: Context<'_, S>) {
        let mut line = Line(format!("span {}:", attributes.metadata().name()));
        attributes.record(&mut line);
        self.keep(false, line);
    }

    fn on_record(&self, _: &span::Id, values: &span::Record<'_>, _: Context<'_, S>) {
        let mut line = Line("span:".to_owned());
        values.record(&mut line);
        self.keep(false, line);
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        use std::fmt::Write as _;
        write!(self.0, " {field}={value:?}").unwrap();
    }
}
