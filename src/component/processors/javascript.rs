//! `javascript`: changes messages by a program.

use super::flow::each;
use super::json_schema::read;
use crate::component::{BuildProcessor, Context, Processor};
use crate::message::Message;
use anyhow::{Context as _, bail};
use rquickjs::{
    CatchResultExt, CaughtError, Context as Vm, Ctx, Function, Persistent, Runtime,
    context::EvalOptions, prelude::Func,
};
use std::cell::RefCell;
use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::{
    Arc, Weak,
    atomic::{AtomicU64, Ordering},
};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

crate::fields! {
    /// The program, as one of the two.
    pub struct Config {
        /// The program itself.
        code: Option<String>,
        /// The file that it is in.
        file: Option<String>,
        /// Folders in which `require` looks for modules.
        global_folders: Vec<String> = "[]",
    }
}

crate::spec! {
    /// Runs a JavaScript program for each message. The object `bento` (also `benthos`) is the way to the message: `v0_msg_as_string()`,
    /// `v0_msg_as_structured()`, `v0_msg_set_string(text)`, `v0_msg_set_structured(value)`, `v0_msg_exists_meta(key)`, `v0_msg_get_meta(key)`,
    /// `v0_msg_set_meta(key, value)`. A program that throws leaves the message as it was, flagged.
    ///
    /// Each message's run has variables of its own; only what is put on `globalThis` may last, for the messages of the same thread.
    /// A run may take a minute, and 256 MiB.
    dyn BuildProcessor, "javascript", Config, Experimental
}

/// How long a run for one message may take.
const MAX_TIME: Duration = Duration::from_secs(60);
const MAX_MEMORY: usize = 256 << 20;

impl BuildProcessor for Config {
    fn build(&self, cx: &Context) -> anyhow::Result<Processor> {
        let code = match (&self.code, &self.file) {
            (Some(code), None) => code.clone(),
            (None, Some(file)) => read(file)?,
            _ => bail!("either code or file must be provided"),
        };
        let program = Program {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            alive: Arc::new(()),
            code,
            folders: self.global_folders.iter().map(PathBuf::from).collect(),
            stop: cx.wiring.hard_stop(),
        };
        // A program that doesn't parse should be known before the first message.
        Machine::new(&program)
            .map_err(anyhow::Error::msg)
            .context("failed to compile javascript code")?;
        Ok(each(move |message| program.run(message)))
    }
}

static NEXT: AtomicU64 = AtomicU64::new(0);

struct Program {
    id: u64,
    /// Ends with the processor, so that threads know which machines nobody needs any more.
    alive: Arc<()>,
    code: String,
    folders: Vec<PathBuf>,
    stop: CancellationToken,
}

thread_local! {
    /// The machines of this thread, by program: a machine can't leave its thread.
    static MACHINES: RefCell<HashMap<u64, (Weak<()>, Machine)>> = RefCell::default();
}

impl Program {
    fn run(&self, message: &mut Message) -> Result<(), String> {
        MACHINES.with_borrow_mut(|machines| {
            if !machines.contains_key(&self.id) {
                machines.retain(|_, (alive, _)| alive.strong_count() > 0);
                let machine = Machine::new(self)?;
                machines.insert(self.id, (Arc::downgrade(&self.alive), machine));
            }
            let (_, machine) = machines.get(&self.id).expect("it is there now");
            machine.run(message)
        })
    }
}

/// A JavaScript machine with a program in it.
struct Machine {
    // Dropped in this order: a function must go before its machine.
    main: Persistent<Function<'static>>,
    vm: Vm,
    message: Rc<RefCell<Message>>,
    deadline: Arc<parking_lot::Mutex<Instant>>,
}

/// What programs see, on top of the few functions that are made in Rust.
const PRELUDE: &str = r#"
(() => {
  const check = (r) => { if (r[0] === "!") { throw new Error(r.slice(1)); } return r.slice(1); };
  const n = globalThis.__native; delete globalThis.__native;
  const bento = {
    v0_msg_as_string: () => n.text(),
    v0_msg_as_structured: () => JSON.parse(check(n.json())),
    v0_msg_set_string: (t) => { n.set_text(String(t)); },
    v0_msg_set_structured: (v) => { check(n.set_json(JSON.stringify(v === undefined ? null : v))); },
    v0_msg_exists_meta: (k) => n.meta(String(k))[0] !== "!",
    v0_msg_get_meta: (k) => JSON.parse(check(n.meta(String(k)))),
    v0_msg_set_meta: (k, v) => { check(n.set_meta(String(k), JSON.stringify(v === undefined ? null : v))); },
  };
  globalThis.bento = bento; globalThis.benthos = bento;
  const line = (...a) => { n.log(a.map((x) => typeof x === "string" ? x : JSON.stringify(x)).join(" ")); };
  globalThis.console = { log: line, info: line, warn: line, error: line, debug: line };
  const loaded = {};
  globalThis.require = (name) => {
    if (!(name in loaded)) {
      const module = { exports: {} };
      const code = check(n.module(String(name)));
      if (String(name).endsWith(".json")) { module.exports = JSON.parse(code); }
      else { new Function("module", "exports", "require", code)(module, module.exports, globalThis.require); }
      loaded[name] = module.exports;
    }
    return loaded[name];
  };
})();
"#;

impl Machine {
    fn new(program: &Program) -> Result<Machine, String> {
        let runtime = Runtime::new().map_err(|e| e.to_string())?;
        runtime.set_memory_limit(MAX_MEMORY);
        runtime.set_max_stack_size(1 << 20);
        let deadline = Arc::new(parking_lot::Mutex::new(Instant::now() + MAX_TIME));
        let (until, stop) = (deadline.clone(), program.stop.clone());
        runtime.set_interrupt_handler(Some(Box::new(move || {
            stop.is_cancelled() || Instant::now() > *until.lock()
        })));
        let vm = Vm::full(&runtime).map_err(|e| e.to_string())?;
        let message = Rc::new(RefCell::new(Message::default()));
        let main = vm.with(|ctx| {
            native(&ctx, &message, &program.folders).map_err(|e| e.to_string())?;
            ctx.eval::<(), _>(PRELUDE)
                .catch(&ctx)
                .map_err(|e| explain(&e))?;
            let mut options = EvalOptions::default();
            options.strict = false;
            options.filename = Some("main.js".into());
            let source = format!("(function () {{\n{}\n}})", program.code);
            let main: Function<'_> = ctx
                .eval_with_options(source, options)
                .catch(&ctx)
                .map_err(|e| explain(&e))?;
            Ok::<_, String>(Persistent::save(&ctx, main))
        })?;
        Ok(Machine {
            main,
            vm,
            message,
            deadline,
        })
    }

    fn run(&self, message: &mut Message) -> Result<(), String> {
        *self.deadline.lock() = Instant::now() + MAX_TIME;
        *self.message.borrow_mut() = message.clone();
        let done = self.vm.with(|ctx| {
            let main = self.main.clone().restore(&ctx).map_err(|e| e.to_string())?;
            let called = main.call::<_, rquickjs::Value<'_>>(()).catch(&ctx);
            called.map(|_| ()).map_err(|e| explain(&e))
        });
        let changed = std::mem::take(&mut *self.message.borrow_mut());
        done?;
        *message = changed;
        Ok(())
    }
}

/// Defines the functions that the prelude stands on. Those that can fail give a text that begins with `!` then.
fn native(
    ctx: &Ctx<'_>,
    message: &Rc<RefCell<Message>>,
    folders: &[PathBuf],
) -> rquickjs::Result<()> {
    let native = rquickjs::Object::new(ctx.clone())?;
    let it = message.clone();
    native.set(
        "text",
        Func::from(move || String::from_utf8_lossy(it.borrow().bytes()).into_owned()),
    )?;
    let it = message.clone();
    native.set(
        "json",
        Func::from(move || match it.borrow().value() {
            Ok(value) => format!("={}", String::from_utf8_lossy(&value.to_json())),
            Err(error) => format!("!{error}"),
        }),
    )?;
    let it = message.clone();
    native.set(
        "set_text",
        Func::from(move |text: String| it.borrow_mut().set_bytes(text)),
    )?;
    let it = message.clone();
    native.set(
        "set_json",
        Func::from(
            move |json: String| match crate::value::parse(&json.into()) {
                Ok(value) => {
                    it.borrow_mut().set_value(value);
                    "=".to_owned()
                }
                Err(error) => format!("!{error}"),
            },
        ),
    )?;
    let it = message.clone();
    native.set(
        "meta",
        Func::from(move |key: String| match it.borrow().metadata().get(&key) {
            Some(value) => format!("={}", String::from_utf8_lossy(&value.to_json())),
            None => "!key not found".to_owned(),
        }),
    )?;
    let it = message.clone();
    native.set(
        "set_meta",
        Func::from(
            move |key: String, json: String| match crate::value::parse(&json.into()) {
                Ok(value) => {
                    it.borrow_mut().metadata_mut().set(key, value.sanitised());
                    "=".to_owned()
                }
                Err(error) => format!("!{error}"),
            },
        ),
    )?;
    native.set(
        "log",
        Func::from(|line: String| tracing::info!(target: "stream", "javascript: {line}")),
    )?;
    let folders = folders.to_vec();
    native.set(
        "module",
        Func::from(move |name: String| {
            // A module is a name within the folders, and not a way out of them.
            if name.split('/').any(|part| part == "..") || name.starts_with('/') {
                return format!("!module {name} was not found");
            }
            let candidates = folders.iter().flat_map(|folder| {
                ["", ".js", ".json", "/index.js"].map(|end| folder.join(format!("{name}{end}")))
            });
            match candidates.map(std::fs::read_to_string).find_map(Result::ok) {
                Some(code) => format!("={code}"),
                None => format!("!module {name} was not found"),
            }
        }),
    )?;
    ctx.globals().set("__native", native)
}

/// What went wrong, and where in the program.
fn explain(error: &CaughtError<'_>) -> String {
    match error {
        CaughtError::Exception(exception) => {
            let name: String = exception.get("name").unwrap_or_else(|_| "Error".into());
            let message = exception.message().unwrap_or_default();
            let stack = exception.stack().unwrap_or_default();
            match place(&stack) {
                Some((line, column)) => format!("{name}: {message} at main.js:{line}:{column}"),
                None => format!("{name}: {message}"),
            }
        }
        CaughtError::Value(value) => match value.as_string().and_then(|s| s.to_string().ok()) {
            Some(text) => text,
            None => format!("{value:?}"),
        },
        CaughtError::Error(error) => error.to_string(),
    }
}

/// The topmost place in the program that a stack names. The program stands a line further down than its author thinks.
fn place(stack: &str) -> Option<(usize, usize)> {
    let at = stack.find("main.js:")? + "main.js:".len();
    let mut numbers = stack[at..].split(|c: char| !c.is_ascii_digit());
    let line: usize = numbers.next()?.parse().ok()?;
    let column = numbers.next()?.parse().ok()?;
    Some((line.saturating_sub(1).max(1), column))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(code: &str) -> Program {
        Program {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            alive: Arc::new(()),
            code: code.to_owned(),
            folders: Vec::new(),
            stop: CancellationToken::new(),
        }
    }

    #[test]
    fn programs_change_messages() {
        for (code, input, wanted) in [
            (
                "let m = bento.v0_msg_as_structured(); m.a += 1; bento.v0_msg_set_structured(m)",
                r#"{"a":1}"#,
                r#"{"a":2}"#,
            ),
            (
                "benthos.v0_msg_set_string(bento.v0_msg_as_string().split('').reverse().join(''))",
                "abc",
                "cba",
            ),
            (
                "bento.v0_msg_set_meta('n', 5); bento.v0_msg_set_string(bento.v0_msg_get_meta('n') + 1 + '' + bento.v0_msg_exists_meta('z'))",
                "",
                "6false",
            ),
            ("throw new Error('bad')", "x", "Error: bad at main.js:1:"),
            ("throw 'just text'", "x", "just text"),
            ("bento.v0_msg_get_meta('nope')", "x", "Error: key not found"),
        ] {
            let program = program(code);
            // A second run sees nothing of the first.
            for _ in 0..2 {
                let mut message = Message::new(input);
                let got = match program.run(&mut message) {
                    Ok(()) => String::from_utf8_lossy(message.bytes()).into_owned(),
                    Err(error) => error,
                };
                assert!(got.starts_with(wanted), "{code}: {got}");
            }
        }
    }

    #[test]
    fn programs_that_go_on_for_ever_are_stopped() {
        let program = program("while (true) {}");
        program.stop.cancel();
        assert!(program.run(&mut Message::new("x")).is_err());
    }
}
