//! What follows a term (fields, methods, brackets), and calls with their arguments.

use super::{Parsed, Parser};
use crate::bloblang::arguments::{self, Given};
use crate::bloblang::expr::{Arg, Const, Expr, Function, FunctionBody, Method, MethodBody};
use crate::bloblang::fail::Fail;
use crate::bloblang::flow::Flow;
use crate::bloblang::path::{self, Segment};
use crate::bloblang::spec::{CallError, FunctionCall, FunctionFn, MethodCall, Param, ParamKind};
use crate::bloblang::{core, functions, methods, near, sized};
use crate::message;
use crate::value::Value;

impl Parser<'_> {
    /// Fields, methods and brackets after `target`.
    pub(super) fn tails(&mut self, target: Expr) -> Parsed<Expr> {
        let mut target = target;
        loop {
            if self.peek() == Some(b'[') {
                target = self.brackets(target)?;
                continue;
            }
            if !self.take(".") {
                return Ok(target);
            }
            self.skip_space();
            target = self.tail(target)?;
        }
    }

    /// What comes after a dot.
    fn tail(&mut self, target: Expr) -> Parsed<Expr> {
        let height = self.height;
        if self.take("(") {
            self.skip_space();
            let inner = self.in_context(Self::required)?;
            self.skip_space();
            if !self.take(")") {
                return self.fault(self.at, "required: expected )");
            }
            self.raise(height.max(self.height) + 1)?;
            return Ok(Expr::With(Box::new((target, inner))));
        }
        if let Some(key) = self.quoted()? {
            self.raise(height + 1)?;
            return Ok(field_of(target, vec![Segment::new(key)]));
        }
        let start = self.at;
        let name = self.name();
        if name.is_empty() {
            return self.fault(start, "required: expected method or field path");
        }
        if self.peek() == Some(b'(') {
            return self.method(target, name, start);
        }
        self.raise(height + 1)?;
        Ok(field_of(target, vec![Segment::new(name)]))
    }

    /// The arguments of a call, in brackets. `in_context` says whether queries get a context of their own.
    fn arguments(&mut self, params: &'static [Param], in_context: bool) -> Parsed<Given> {
        self.at += 1;
        let mut positional = Vec::new();
        let mut named: Vec<(String, Expr)> = Vec::new();
        let mut labels = Vec::new();
        let mut height = 0;
        self.skip_space();
        while !self.take(")") {
            let before = self.at;
            let name = self.name();
            let name = match !name.is_empty() && self.take(":") {
                true => Some(name),
                false => {
                    self.at = before;
                    None
                }
            };
            self.skip_blanks();
            let param = match name {
                Some(name) => params.iter().find(|p| p.name == name),
                None => params.get(positional.len()),
            };
            let is_query = param.is_some_and(|p| p.kind == ParamKind::Query);
            let parsed = match is_query && in_context {
                true => self.in_context(|p| p.one_of(&mut labels)),
                false => self.nested(|p| p.one_of(&mut labels)),
            };
            let expr = parsed.map_err(|fault| match name {
                Some(_) => fault.requiring("argument value"),
                None => fault.requiring("function argument"),
            })?;
            height = height.max(self.height);
            match name {
                Some(name) => named.push((name.into(), expr)),
                None => positional.push(expr),
            }
            if !self.skip_comma() && self.peek() != Some(b')') {
                return self.fault(self.at, "required: expected comma or closing bracket");
            }
        }
        self.height = height;
        match (positional.is_empty(), named.is_empty()) {
            (_, true) => Ok(Given::Positional(positional)),
            (true, false) => Ok(Given::Named(named)),
            (false, false) => self.wrong(self.at, "cannot mix named and nameless arguments"),
        }
    }

    fn method(&mut self, target: Expr, name: &str, at: usize) -> Parsed<Expr> {
        let height = self.height;
        let Some(spec) = methods::find(name) else {
            // What can't be read comes before what isn't known.
            self.arguments(&[], false)?;
            let known = methods::METHODS.iter().flat_map(|(_, table)| *table);
            let hint = near::hint(name, known.map(|m| m.name));
            return self.wrong(at, format!("unrecognised method '{name}'{hint}"));
        };
        // The fallback of `or` keeps its context; every other query of a method is about a value that the method gives it.
        let given = self.arguments(spec.params, spec.name != "or")?;
        let args = match arguments::bind(spec.params, given) {
            Ok(args) => args,
            Err(message) => return self.wrong(self.at, message),
        };
        self.raise(height.max(self.height) + 1)?;
        if let ("get", [Arg::Const(Value::String(path))]) = (spec.name, &args.list[..]) {
            return Ok(field_of(target, path::parse(path).into()));
        }
        let inner = match (spec.name, &args.list[..]) {
            ("bloblang", [Arg::Const(Value::String(text))]) => match core::inner_program(text) {
                Ok(program) => Some(program),
                Err(message) => return self.wrong(at, message),
            },
            _ => None,
        };
        let call = match &spec.call {
            MethodCall::Plain(run) if sized::minds(spec.name) && target.may_be_sized() => {
                MethodBody::Sized(*run)
            }
            MethodCall::Plain(run) => MethodBody::Plain(*run),
            MethodCall::Rescue(run) => MethodBody::Rescue(*run),
            MethodCall::Prepared(prepare) => match &args.ready {
                Some(values) => match prepare(values) {
                    Ok(run) => MethodBody::Ready(run),
                    Err(error) => {
                        let fail = Fail::from(error);
                        return self.wrong(at, fail.message().to_string());
                    }
                },
                None => MethodBody::Prepare(*prepare),
            },
            MethodCall::Core => match core::method(spec.name) {
                Some(run) => MethodBody::Core(run),
                None => return self.fault(at, format!("method '{name}' has no code")),
            },
        };
        let float32 = matches!(&target, Expr::Method(m) if m.name == "float32");
        let method = Method {
            name: spec.name,
            target,
            call,
            args,
            quiet: !spec.names_source,
            float32,
            inner,
        };
        let folds = core::is_computed_early(spec.name)
            && method.args.ready.is_some()
            && method.target.as_const().is_some();
        let expr = Expr::Method(Box::new(method));
        if !folds {
            return Ok(expr);
        }
        match crate::bloblang::evaluate_constant(&expr) {
            Ok(flow) => Ok(Expr::Const(Const {
                flow,
                name: Some(expr.name().into()),
            })),
            Err(fail) => self.wrong(at, fail.message().to_string()),
        }
    }

    pub(super) fn function(&mut self, name: &str, at: usize) -> Parsed<Expr> {
        let spec = functions::find(name).filter(|spec| self.env.allows(spec));
        let Some(spec) = spec else {
            self.arguments(&[], false)?;
            let known = functions::FUNCTIONS.iter().flat_map(|(_, table)| *table);
            let hint = near::hint(name, known.map(|f| f.name));
            return self.wrong(at, format!("unrecognised function '{name}'{hint}"));
        };
        let given = self.arguments(spec.params, false)?;
        let args = match arguments::bind(spec.params, given) {
            Ok(args) => args,
            Err(message) => return self.wrong(self.at, message),
        };
        self.raise(self.height + 1)?;
        match spec.name {
            "deleted" => return Ok(constant(Flow::Deleted)),
            "nothing" => return Ok(constant(Flow::Nothing)),
            "flow_id" => message::want_flow_ids(),
            "var" => {
                if let [Arg::Const(Value::String(name))] = &args.list[..] {
                    return Ok(Expr::Variable(self.scope.variable(name), name.clone()));
                }
            }
            _ => {}
        }
        let call = match &spec.call {
            FunctionCall::Plain(run) => FunctionBody::Plain(*run),
            FunctionCall::Prepared(prepare) => match &args.ready {
                Some(values) => self.ready(at, prepare(values))?,
                None => FunctionBody::Prepare(*prepare),
            },
            FunctionCall::Located(prepare) => {
                let folder = self.env.folder().clone();
                match &args.ready {
                    Some(values) => self.ready(at, prepare(&folder, values))?,
                    None => FunctionBody::Locate(folder, *prepare),
                }
            }
            FunctionCall::Caches(run) => FunctionBody::Caches(self.env.caches().clone(), *run),
            FunctionCall::Core => match core::function(spec.name) {
                Some(run) => FunctionBody::Core(run),
                None => return self.fault(at, format!("function '{name}' has no code")),
            },
        };
        Ok(Expr::Function(Box::new(Function {
            name: spec.name,
            call,
            args,
        })))
    }

    /// What was made of constant arguments; an error then is one of the mapping's text.
    fn ready(&self, at: usize, made: Result<FunctionFn, CallError>) -> Parsed<FunctionBody> {
        match made {
            Ok(run) => Ok(FunctionBody::Ready(run)),
            Err(error) => self.wrong(at, Fail::from(error).message().to_string()),
        }
    }

    /// `[index]` or `[from:to:step]`.
    fn brackets(&mut self, target: Expr) -> Parsed<Expr> {
        let mut height = self.height;
        self.at += 1;
        let mut parts: Vec<Option<Expr>> = Vec::new();
        loop {
            self.skip_space();
            let part = match self.peek() {
                Some(b':' | b']') => None,
                _ => {
                    let part = self.nested(Self::expression)?;
                    height = height.max(self.height);
                    Some(part)
                }
            };
            parts.push(part);
            self.skip_space();
            if self.take("]") {
                break;
            }
            if parts.len() == 3 || !self.take(":") {
                return self.fault(self.at, "required: expected closing bracket");
            }
        }
        self.raise(height + 1)?;
        let (name, run) = match parts.len() {
            1 => match parts[0] {
                Some(_) => ("index", core::INDEX),
                None => return self.fault(self.at - 1, "required: expected query"),
            },
            _ => ("slice", core::SLICE),
        };
        let list: Vec<Arg> = parts
            .into_iter()
            .map(|part| part.map_or(Arg::Absent, Arg::Query))
            .collect();
        Ok(Expr::Method(Box::new(Method {
            name,
            target,
            call: MethodBody::Core(run),
            args: arguments::raw(list),
            quiet: false,
            float32: false,
            inner: None,
        })))
    }
}

fn constant(flow: Flow) -> Expr {
    Expr::Const(Const { flow, name: None })
}

/// The field at a path of an expression; paths after paths become one.
fn field_of(target: Expr, path: Vec<Segment>) -> Expr {
    let longer = |begin: Box<[Segment]>| {
        let mut all = begin.into_vec();
        all.extend(path.iter().cloned());
        all.into_boxed_slice()
    };
    match target {
        Expr::Field(mut field) => {
            field.path = longer(field.path);
            Expr::Field(field)
        }
        Expr::Get(mut get) => {
            get.1 = longer(get.1);
            Expr::Get(get)
        }
        target => Expr::Get(Box::new((target, path.into()))),
    }
}
