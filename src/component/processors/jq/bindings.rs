//! What the names of a program stand for while it runs.

use super::program::{Kind, Node};
use crate::value::Value;
use std::rc::Rc;

/// What names stand for, the last one first.
pub(super) type Env<'p> = Option<Rc<Link<'p>>>;

pub(super) struct Link<'p> {
    pub bound: Bound<'p>,
    pub before: Env<'p>,
}

#[derive(Clone)]
pub(super) enum Bound<'p> {
    Value(Value),
    Filter(&'p Node, Env<'p>),
    Label(u64),
}

impl Drop for Link<'_> {
    /// Chains can be as long as a program loops, so they are not taken down by recursion.
    fn drop(&mut self) {
        let mut rest = vec![self.before.take()];
        if let Bound::Filter(_, env) = &mut self.bound {
            rest.push(env.take());
        }
        while let Some(link) = rest.pop() {
            if let Some(mut link) = link.and_then(Rc::into_inner) {
                rest.push(link.before.take());
                if let Bound::Filter(_, env) = &mut link.bound {
                    rest.push(env.take());
                }
            }
        }
    }
}

pub(super) fn bind<'p>(env: &Env<'p>, bound: Bound<'p>) -> Env<'p> {
    Some(Rc::new(Link {
        bound,
        before: env.clone(),
    }))
}

/// The bindings without so many of the last ones.
pub(super) fn without<'e, 'p>(mut env: &'e Env<'p>, bindings: usize) -> &'e Env<'p> {
    for _ in 0..bindings {
        if let Some(link) = env {
            env = &link.before;
        }
    }
    env
}

pub(super) fn lookup<'e, 'p>(env: &'e Env<'p>, since: usize) -> Option<&'e Bound<'p>> {
    without(env, since).as_ref().map(|link| &link.bound)
}

/// What a function gets for a filter: a filter that was itself passed in stays what it is.
pub(super) fn passed<'p>(node: &'p Node, env: &Env<'p>) -> Bound<'p> {
    match &node.kind {
        Kind::Filter(since) => match lookup(env, *since) {
            Some(bound @ Bound::Filter(..)) => bound.clone(),
            _ => Bound::Filter(node, env.clone()),
        },
        _ => Bound::Filter(node, env.clone()),
    }
}
