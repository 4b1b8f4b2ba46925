//! Makes Rust of `proto/`, without a `protoc`.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=proto");
    // Two megabytes of relocations become thirty kilobytes, none of which the loader has to keep resident.
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
    let files = protox::compile(["proto/cluster.proto"], ["proto"])?;
    tonic_prost_build::configure()
        // It holds secrets.
        .skip_debug(["airtruct.v1.Definition"])
        .compile_fds(files)?;
    Ok(())
}
