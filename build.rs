//! Makes Rust of `proto/`, without a `protoc`.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=proto");
    // At a fixed address nothing has to be relocated when a process starts: more than two megabytes stay shared with the file, rather than
    // being written to and thereby becoming each process's own.
    let target = |part: &str| std::env::var(format!("CARGO_CFG_TARGET_{part}"));
    if (target("OS").as_deref(), target("ENV").as_deref()) == (Ok("linux"), Ok("gnu")) {
        println!("cargo:rustc-link-arg-bins=-no-pie");
    }
    let files = protox::compile(["proto/cluster.proto"], ["proto"])?;
    tonic_prost_build::configure()
        // It holds secrets.
        .skip_debug(["airtruct.v1.Definition"])
        .compile_fds(files)?;
    Ok(())
}
