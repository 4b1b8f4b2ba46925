//! Evaluation of expressions.

use super::context::Context;
use super::expr::{Arg, Args, Base, Expr, Field, Function, FunctionBody, Method, MethodBody};
use super::fail::Fail;
use super::fallback;
use super::flow::Flow;
use super::nil;
use super::operators::Op;
use super::sized::Size;
use super::spec::{CallError, ParamKind};
use super::{
    number::{self, Num},
    path,
};
use crate::codec::go_fmt;
use crate::value::{Array, Value};

impl Expr {
    /// Evaluates in `cx`.
    pub(crate) fn eval(&self, cx: &mut Context<'_>) -> Result<Flow, Fail> {
        match self {
            Expr::Const(c) => Ok(c.flow.clone()),
            Expr::Field(field) => field.eval(cx),
            Expr::Variable(slot, name) => match &cx.variables[*slot] {
                Some(value) => Ok(Flow::Value(value.clone())),
                None if cx.is_lone => Err(Fail::text("variables were undefined")),
                None => Err(Fail::text(format!("variable '{name}' undefined"))),
            },
            _ if cx.stack_is_low() => cx.on_new_stack(|cx| self.eval_inner(cx)),
            _ => self.eval_inner(cx),
        }
    }

    /// The number that this is, where that shows without evaluating anything.
    fn number(&self, cx: &Context<'_>) -> Option<Num> {
        match self {
            Expr::Const(c) => match &c.flow {
                Flow::Value(value) => Num::of(value),
                Flow::Deleted | Flow::Nothing => None,
            },
            Expr::Variable(slot, _) => Num::of(cx.variables[*slot].as_ref()?),
            Expr::Field(field) => field.number(cx),
            _ => None,
        }
    }

    fn eval_inner(&self, cx: &mut Context<'_>) -> Result<Flow, Fail> {
        match self {
            Expr::Const(_) | Expr::Field(_) | Expr::Variable(..) => self.eval(cx),
            Expr::Get(get) => {
                let flow = get.0.eval(cx)?;
                Ok(read(&flow, &get.1))
            }
            Expr::Meta(key) => super::core::new_metadata(cx, key.as_deref()),
            Expr::Not(inner) => match inner.eval(cx)? {
                Flow::Value(Value::Bool(b)) => Ok((!b).into()),
                other => Err(Fail::wanted("bool", other).blaming(|| inner.name())),
            },
            Expr::Binary(binary) => {
                let (op, left, right) = &**binary;
                // Most operands are numbers in documents, which needn't become values for this.
                if let Some(r) = right.number(cx)
                    && let Some(l) = left.number(cx)
                    && let Some(value) = op.on_numbers(l, r)
                {
                    return Ok(Flow::Value(value));
                }
                let (l, size) = match op {
                    Op::Add => left.eval_sized(cx)?,
                    _ => (left.eval(cx)?, Size::Usual),
                };
                let r = right.eval(cx)?;
                if size == Size::Asked {
                    return Err(op.mismatch(&l, &r, (left.name(), right.name())));
                }
                let (l, r) = (left.widened(l), right.widened(r));
                let value = op.apply(&l, &r, &|| (left.name(), right.name()))?;
                within_limits(value).map_err(Fail::from)
            }
            Expr::Logic(logic) => {
                let (and, left, right) = &**logic;
                let l = number::truth(&left.widened(left.eval(cx)?))?;
                if l != *and {
                    return Ok(l.into());
                }
                Ok(number::truth(&right.widened(right.eval(cx)?))?.into())
            }
            Expr::Coalesce(pair) => fallback::or(&pair.0, &pair.1, cx, Self::eval, Flow::is_empty),
            Expr::If(i) => {
                for (n, (condition, result)) in i.branches.iter().enumerate() {
                    if condition_holds(condition, n, cx)? {
                        return result.eval(cx);
                    }
                }
                match &i.otherwise {
                    Some(otherwise) => otherwise.eval(cx),
                    None => Ok(Flow::Nothing),
                }
            }
            Expr::Match(m) => m.eval(cx),
            Expr::Array(items) => {
                let mut out = Vec::with_capacity(items.len());
                for item in items {
                    if let Flow::Value(value) = item.eval(cx)? {
                        out.push(value);
                    }
                }
                Ok(Flow::Value(Value::Array(Array::from(out))))
            }
            Expr::Object(fields) => {
                let mut out = Vec::with_capacity(fields.len());
                for (key, value) in fields {
                    // The usual case has nothing to evaluate.
                    let key = match key.as_const().map(|c| &c.flow) {
                        Some(Flow::Value(Value::String(key))) => {
                            Flow::Value(Value::String(key.clone()))
                        }
                        _ => key
                            .eval(cx)
                            .map_err(|e| e.context("failed to resolve key"))?,
                    };
                    let key = match key {
                        Flow::Value(key) => key.into_str().map_err(|other| {
                            Fail::text(format!(
                                "mapping returned invalid key type: {}",
                                go_fmt::type_of(&other)
                            ))
                        })?,
                        other => {
                            return Err(Fail::text(format!(
                                "mapping returned invalid key type: {}",
                                flow_type(&other)
                            )));
                        }
                    };
                    let value = value
                        .eval(cx)
                        .map_err(|e| e.context(format_args!("failed to resolve '{key}' value")))?;
                    if let Flow::Value(value) = value {
                        out.push((key, value));
                    }
                }
                Ok(Flow::Value(Value::Object(out.into_iter().collect())))
            }
            Expr::With(with) => {
                let value = with.0.eval(cx)?;
                cx.with(value, |cx| with.1.eval(cx))
            }
            Expr::Method(method) => method.eval(cx),
            Expr::Function(function) => function.eval(cx),
            Expr::Settled(inner) => Ok(match inner.eval(cx)? {
                Flow::Value(value) => Flow::Value(nil::settled(value)),
                marker => marker,
            }),
        }
    }
}

/// How long a text, and how many bytes, a mapping may hold in one value.
const MAX_TEXT: usize = 256 << 20;
/// How many elements an array may have.
const MAX_ELEMENTS: usize = 20_000_000;

/// What an operator or a method gives, unless a loop has made it grow without end. One step at the most doubles (or so) what was within the limits before.
fn within_limits(value: Value) -> Result<Flow, CallError> {
    match &value {
        Value::String(text) if text.len() > MAX_TEXT => Err("a text of more than 256 MiB".into()),
        Value::Bytes(bytes) | Value::IllFormed(bytes) if bytes.len() > MAX_TEXT => {
            Err("more than 256 MiB of bytes".into())
        }
        Value::Array(items) if items.held() > MAX_ELEMENTS => {
            Err("an array of more than 20,000,000 elements".into())
        }
        _ => Ok(Flow::Value(value)),
    }
}

/// Evaluates the condition of an `if`, or of its `n`th `else if`, where null counts as false.
fn condition_holds(condition: &Expr, n: usize, cx: &mut Context<'_>) -> Result<bool, Fail> {
    let failed = |e: Fail| match n {
        0 => e.context("failed to check if condition"),
        n => e.context(format_args!("failed to check if condition {n}")),
    };
    match condition.eval(cx).map_err(failed)? {
        Flow::Value(Value::Bool(b)) => Ok(b),
        Flow::Value(Value::Null) => Ok(false),
        other => Err(not_a_bool(condition, &other)),
    }
}

/// The failure of a condition that is neither true nor false.
pub(crate) fn not_a_bool(condition: &Expr, got: &Flow) -> Fail {
    let (shown, kind) = match got {
        Flow::Value(value) => match condition {
            Expr::Method(method) if method.name == "float32" => (go_fmt::show(value), "float32"),
            _ => (go_fmt::show(value), go_fmt::type_of(value)),
        },
        other => ("<nil>".into(), flow_type(other)),
    };
    Fail::text(format!(
        "{} resolved to a non-boolean value {shown} ({kind})",
        condition.name()
    ))
}

/// How Go names the type of a flow.
pub(crate) fn flow_type(flow: &Flow) -> &'static str {
    match flow {
        Flow::Value(value) => go_fmt::type_of(value),
        Flow::Deleted => "value.Delete",
        Flow::Nothing => "value.Nothing",
    }
}

/// What a flow holds at a path; null if nothing.
pub(crate) fn read(flow: &Flow, path: &[path::Segment]) -> Flow {
    match flow {
        Flow::Value(value) => Flow::Value(path::get(value, path).unwrap_or(Value::Null)),
        _ if path.is_empty() => flow.clone(),
        _ => Flow::NULL,
    }
}

impl Field {
    /// The number that stands there, if one does.
    fn number(&self, cx: &Context<'_>) -> Option<Num> {
        let flow = match self.base {
            Base::Slot(slot) => &cx.slots[slot],
            Base::This => return Some(cx.content_of_this()?.number_at(&self.path)?.into()),
            Base::Root => &cx.root,
        };
        match flow {
            Flow::Value(value) => Some(value.number_at(&self.path)?.into()),
            Flow::Deleted | Flow::Nothing => None,
        }
    }

    fn eval(&self, cx: &Context<'_>) -> Result<Flow, Fail> {
        match self.base {
            Base::Slot(slot) => Ok(read(&cx.slots[slot], &self.path)),
            Base::This if let Some(value) = cx.content_of_this() => {
                let found = path::get(value, &self.path).unwrap_or(Value::Null);
                Ok(Flow::Value(found))
            }
            Base::This => Ok(read(&cx.this(|| path::show(&self.path))?, &self.path)),
            Base::Root if cx.is_lone => {
                Err(Fail::text("unable to reference `root` from this context"))
            }
            Base::Root => Ok(read(&cx.root, &self.path)),
        }
    }
}

impl Args {
    /// Evaluates what has to be before a call, and gives all arguments in order.
    pub(crate) fn resolve(
        &self,
        what: &str,
        name: &str,
        cx: &mut Context<'_>,
    ) -> Result<Vec<Value>, Fail> {
        let mut out = Vec::with_capacity(self.list.len());
        for (i, arg) in self.list.iter().enumerate() {
            out.push(match arg {
                Arg::Const(value) => value.clone(),
                Arg::Dynamic(_) => self.dynamic(i, what, name, cx)?,
                Arg::Query(query) => query.eval(cx)?.into_value(),
                Arg::Absent => Value::Null,
            });
        }
        Ok(out)
    }

    /// Evaluates the dynamic argument at `i`.
    fn dynamic(
        &self,
        i: usize,
        what: &str,
        name: &str,
        cx: &mut Context<'_>,
    ) -> Result<Value, Fail> {
        let Arg::Dynamic(expr) = &self.list[i] else {
            return Ok(Value::Null);
        };
        let kind = self.kind(i);
        let failed = |e: Fail| {
            let param = match kind {
                // Of any number of arguments only those are counted that have to be evaluated.
                ParamKind::Variadic => self.list[..i]
                    .iter()
                    .filter(|arg| matches!(arg, Arg::Dynamic(_)))
                    .count()
                    .to_string(),
                _ => self.params[i].name.to_string(),
            };
            e.context(format_args!(
                "{what} '{name}': failed to extract input arg '{param}'"
            ))
        };
        let flow = expr.eval(cx).map_err(failed)?;
        super::arguments::convert(kind, flow).map_err(failed)
    }

    /// The kind of the parameter that the argument at `i` is for.
    pub(crate) fn kind(&self, i: usize) -> ParamKind {
        match self.params.get(i).or(self.params.last()) {
            Some(param) => param.kind,
            None => ParamKind::Variadic,
        }
    }

    /// The argument at `i` of a call in the core; null if it was left out.
    pub(crate) fn get(
        &self,
        i: usize,
        cx: &mut Context<'_>,
        what: &str,
        name: &str,
    ) -> Result<Value, Fail> {
        match self.list.get(i) {
            Some(Arg::Const(value)) => Ok(value.clone()),
            Some(Arg::Dynamic(_)) => self.dynamic(i, what, name, cx),
            Some(Arg::Query(query)) => Ok(query.eval(cx)?.into_value()),
            Some(Arg::Absent) | None => Ok(Value::Null),
        }
    }

    /// The query at `i`.
    pub(crate) fn query(&self, i: usize) -> Option<&Expr> {
        match self.list.get(i) {
            Some(Arg::Query(query)) => Some(query),
            _ => None,
        }
    }
}

/// What a method does with its receiver, its arguments being known.
type Run<'r> = dyn Fn(Value) -> Result<Value, CallError> + 'r;

impl Method {
    fn eval(&self, cx: &mut Context<'_>) -> Result<Flow, Fail> {
        if let MethodBody::Core(core) = &self.call {
            return core(self, cx);
        }
        let owned;
        let args = match &self.args.ready {
            Some(args) => args,
            None => {
                owned = self.args.resolve("method", self.name, cx)?;
                &owned
            }
        };
        let made;
        let run: &Run<'_> = match &self.call {
            // Wrong arguments aren't the receiver's fault, which isn't even looked at then.
            MethodBody::Prepare(prepare) => {
                made = prepare(args)?;
                &made
            }
            MethodBody::Ready(run) => run,
            MethodBody::Sized(run) => return super::sized::call(self, *run, cx),
            MethodBody::Plain(run) => &|receiver| run(receiver, args),
            MethodBody::Rescue(run) => &|receiver| run(Some(receiver), args),
            // The core's methods evaluate their receivers themselves.
            MethodBody::Core(core) => return core(self, cx),
        };
        let receiver = match self.target.eval(cx) {
            Ok(Flow::Value(value)) if self.float32 => return self.on_float32(&value, run),
            Ok(Flow::Value(value)) => value,
            Ok(marker) => return self.on_marker(marker, run),
            Err(fail) => {
                return match &self.call {
                    MethodBody::Rescue(run) => run(None, args).map(Flow::Value).map_err(|_| fail),
                    _ => Err(fail),
                };
            }
        };
        match run(receiver).and_then(within_limits) {
            Ok(flow) => Ok(flow),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// A method on a 32-bit float, which shows as its shortest text and computes as what it is: 1604213000 is 1604212992.
    fn on_float32(&self, value: &Value, run: &Run<'_>) -> Result<Flow, Fail> {
        const COMPUTES: &[&str] = &[
            "abs",
            "cos",
            "diff",
            "float64",
            "int",
            "format_timestamp",
            "number",
            "pow",
            "sin",
            "tan",
            "ts_",
            "uint",
        ];
        let shown = value.as_f64().unwrap_or(f64::NAN);
        let computes = COMPUTES.iter().any(|name| self.name.starts_with(name));
        let receiver = match computes {
            true => Value::Float(f64::from(shown as f32)),
            false => value.clone(),
        };
        match run(receiver) {
            Ok(value) => Ok(Flow::Value(value)),
            Err(CallError::Type { wanted, got }) if got.as_f64().is_some() => {
                Err(self.blame(Fail::wanted(wanted, Flow::Value(Value::Float(shown)))))
            }
            Err(error) => Err(self.failed(error)),
        }
    }

    /// What a call fails with.
    pub(crate) fn failed(&self, error: CallError) -> Fail {
        match error {
            CallError::Bare(text) => Fail::text(text),
            error => self.blame(error.into()),
        }
    }

    /// Completes a failure with the name of the receiver, if this method's failures have it.
    pub(crate) fn blame(&self, fail: Fail) -> Fail {
        match self.quiet {
            true => fail,
            false => fail.blaming(|| self.target.name()),
        }
    }

    /// A method on `deleted()` or `nothing()`: it fails as on null, and says what it got.
    fn on_marker(&self, marker: Flow, run: &Run<'_>) -> Result<Flow, Fail> {
        if self.name == "not_null" {
            return Ok(marker);
        }
        match run(Value::Null) {
            Ok(value) => Ok(Flow::Value(value)),
            Err(CallError::Type {
                wanted,
                got: Value::Null,
            }) => Err(self.blame(Fail::wanted(wanted, marker))),
            Err(error) => Err(self.failed(error)),
        }
    }
}

impl Function {
    fn eval(&self, cx: &mut Context<'_>) -> Result<Flow, Fail> {
        if let FunctionBody::Core(core) = self.call {
            return core(self, cx);
        }
        let owned;
        let args = match &self.args.ready {
            Some(args) => args,
            None => {
                owned = self.args.resolve("function", self.name, cx)?;
                &owned
            }
        };
        let result = match &self.call {
            FunctionBody::Plain(run) => run(args),
            FunctionBody::Ready(run) => run(),
            FunctionBody::Prepare(prepare) => prepare(args).and_then(|run| run()),
            FunctionBody::Locate(folder, prepare) => prepare(folder, args).and_then(|run| run()),
            FunctionBody::Caches(link, run) => match link.caches() {
                Ok(caches) => run(&*caches, args),
                Err(why) => Err(why.into()),
            },
            FunctionBody::Core(_) => return Ok(Flow::Nothing),
        };
        Ok(Flow::Value(result?))
    }
}
