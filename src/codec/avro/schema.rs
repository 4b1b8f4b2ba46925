//! Avro schemas, as far as data is read and written by them.

use serde_json::Value as Json;
use std::collections::HashMap;

/// A type. Named types are kept once, under their number.
#[derive(Clone, Debug)]
pub(crate) enum Type {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
    Array(Box<Type>),
    Map(Box<Type>),
    Union(Vec<(String, Type)>),
    Named(usize),
}

/// A type with a name.
#[derive(Clone, Debug)]
pub(crate) enum Named {
    Record { name: String, fields: Vec<Field> },
    Enum { name: String, symbols: Vec<String> },
    Fixed { name: String, size: usize },
}

#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub name: String,
    pub kind: Type,
    pub default: Option<Json>,
}

/// A schema: its outermost type and the named types that it uses.
#[derive(Debug)]
pub(crate) struct Schema {
    pub root: Type,
    pub named: Vec<Named>,
}

impl Schema {
    pub fn parse(text: &str) -> Result<Schema, String> {
        let json: Json = match serde_json::from_str(text) {
            Ok(json) => json,
            // A name alone is a schema too.
            Err(_) if text.trim().chars().all(|c| c.is_ascii_alphanumeric()) => {
                Json::String(text.trim().to_owned())
            }
            Err(e) => return Err(format!("cannot unmarshal schema JSON: {e}")),
        };
        let mut reader = Reader {
            named: Vec::new(),
            names: HashMap::new(),
        };
        let root = reader.read(&json, "", 0)?;
        let named = reader.named.into_iter().collect::<Option<Vec<_>>>();
        let named = named.ok_or("a named type has no definition")?;
        Ok(Schema { root, named })
    }

    pub fn named(&self, number: usize) -> &Named {
        &self.named[number]
    }
}

struct Reader {
    /// None while the type is being read, since it may contain itself.
    named: Vec<Option<Named>>,
    names: HashMap<String, usize>,
}

/// How deep types may stand in types.
const MAX_DEPTH: usize = 64;

impl Reader {
    fn read(&mut self, json: &Json, space: &str, depth: usize) -> Result<Type, String> {
        if depth > MAX_DEPTH {
            return Err(format!(
                "the schema is nested deeper than {MAX_DEPTH} levels"
            ));
        }
        match json {
            Json::String(name) => self.reference(name, space),
            Json::Array(members) => {
                let mut union = Vec::with_capacity(members.len());
                for member in members {
                    let kind = self.read(member, space, depth + 1)?;
                    union.push((self.label(&kind, member), kind));
                }
                Ok(Type::Union(union))
            }
            Json::Object(object) => {
                let text = |key: &str| object.get(key).and_then(Json::as_str);
                let Some(kind) = object.get("type") else {
                    return Err("a schema ought to have a type".into());
                };
                let part = |key: &str| {
                    let part = object.get(key);
                    part.ok_or_else(|| format!("an Avro {kind} ought to have {key}"))
                };
                match kind.as_str() {
                    Some("array") => {
                        let items = self.read(part("items")?, space, depth + 1)?;
                        Ok(Type::Array(Box::new(items)))
                    }
                    Some("map") => {
                        let values = self.read(part("values")?, space, depth + 1)?;
                        Ok(Type::Map(Box::new(values)))
                    }
                    Some(named @ ("record" | "error" | "enum" | "fixed")) => {
                        let name = text("name").ok_or("a named type ought to have a name")?;
                        let own_space = text("namespace").unwrap_or(space);
                        let full = full_name(name, own_space);
                        let space = full
                            .rsplit_once('.')
                            .map_or("", |(space, _)| space)
                            .to_owned();
                        let number = self.named.len();
                        self.named.push(None);
                        self.names.insert(full.clone(), number);
                        let definition = match named {
                            "enum" => Named::Enum {
                                name: full,
                                symbols: strings(part("symbols")?),
                            },
                            "fixed" => Named::Fixed {
                                name: full,
                                size: part("size")?.as_u64().unwrap_or(0) as usize,
                            },
                            _ => Named::Record {
                                name: full,
                                fields: self.fields(part("fields")?, &space, depth)?,
                            },
                        };
                        self.named[number] = Some(definition);
                        Ok(Type::Named(number))
                    }
                    Some(name) => self.reference(name, space),
                    None => self.read(kind, space, depth + 1),
                }
            }
            other => Err(format!("unknown schema type: {other}")),
        }
    }

    fn fields(&mut self, json: &Json, space: &str, depth: usize) -> Result<Vec<Field>, String> {
        let all = json.as_array().ok_or("fields ought to be an array")?;
        let mut fields = Vec::with_capacity(all.len());
        for field in all {
            let name = field.get("name").and_then(Json::as_str);
            let kind = field.get("type").ok_or("a field ought to have a type")?;
            fields.push(Field {
                name: name.ok_or("a field ought to have a name")?.to_owned(),
                kind: self.read(kind, space, depth + 1)?,
                default: field.get("default").cloned(),
            });
        }
        Ok(fields)
    }

    fn reference(&self, name: &str, space: &str) -> Result<Type, String> {
        Ok(match name {
            "null" => Type::Null,
            "boolean" => Type::Boolean,
            "int" => Type::Int,
            "long" => Type::Long,
            "float" => Type::Float,
            "double" => Type::Double,
            "bytes" => Type::Bytes,
            "string" => Type::String,
            _ => {
                let found = self
                    .names
                    .get(&full_name(name, space))
                    .or_else(|| self.names.get(name));
                Type::Named(*found.ok_or_else(|| format!("unknown type name: {name:?}"))?)
            }
        })
    }

    /// How values name this member of a union.
    fn label(&self, kind: &Type, json: &Json) -> String {
        let base = match kind {
            Type::Null => "null",
            Type::Boolean => "boolean",
            Type::Int => "int",
            Type::Long => "long",
            Type::Float => "float",
            Type::Double => "double",
            Type::Bytes => "bytes",
            Type::String => "string",
            Type::Array(_) => "array",
            Type::Map(_) => "map",
            Type::Union(_) => "union",
            Type::Named(number) => {
                let names = self.names.iter().find(|(_, n)| *n == number);
                return names.map(|(name, _)| name.clone()).unwrap_or_default();
            }
        };
        match json.get("logicalType").and_then(Json::as_str) {
            Some(logical) => format!("{base}.{logical}"),
            None => base.to_owned(),
        }
    }
}

fn full_name(name: &str, space: &str) -> String {
    if name.contains('.') || space.is_empty() {
        name.to_owned()
    } else {
        format!("{space}.{name}")
    }
}

fn strings(json: &Json) -> Vec<String> {
    let all = json.as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter()
        .filter_map(Json::as_str)
        .map(str::to_owned)
        .collect()
}

/// The names of a union's members, as errors list them.
pub(crate) fn allowed(union: &[(String, Type)]) -> String {
    let names: Vec<&str> = union.iter().map(|(name, _)| name.as_str()).collect();
    format!("[{}]", names.join(" "))
}
