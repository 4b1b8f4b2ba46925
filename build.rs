//! Makes Rust of `proto/`, without a `protoc`.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=proto");
    let files = protox::compile(["proto/cluster.proto"], ["proto"])?;
    tonic_prost_build::configure()
        // It holds secrets.
        .skip_debug(["airtruct.v1.Definition"])
        .compile_fds(files)?;
    Ok(())
}
